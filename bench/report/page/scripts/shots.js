// What stands side by side in the viewer: for each method its video or the reason why there is none, its strips and its
// values; and the two of them that are laid over one another.

class Shots {
  // seek(frame), flip(), hear(method or null): what a click asks for.
  constructor(asks) {
    this.asks = asks;
    this.element = make("div", { class: "shots" });
    this.all = []; // {method, name, truth, video, frames, element, sound, holder}
    this.drawn = []; // {line, value, strip}
    this.content = null;
    this.setting = 0;
  }

  get films() {
    return this.all.filter(({ video }) => video);
  }

  fill(content, setting, methods) {
    this.drop();
    this.content = content;
    this.setting = setting;
    this.all = methods.map((method) => this.figure(method, content.shots[setting][method]));
    this.element.append(...this.all.map(({ element }) => element));
    this.element.style.setProperty("--n", this.all.length);
    if (!this.all.length) this.tell("No method is chosen: choose some above.");
  }

  tell(text) {
    this.drop();
    this.element.append(make("p", { class: "warn", role: "alert" }, text));
  }

  drop() {
    this.undraw();
    this.all = [];
    this.content = null;
    this.element.replaceChildren();
  }

  figure(method, shot) {
    const { name, truth } = catalogue.methods[method], stage = make("div", { class: "stage" });
    const lacking = (reason) => make("div", { class: "void" }, reason || "no video");
    let video = null, sound = null;
    if (shot.video) {
      const why = `${shot.video} cannot be played: was the folder copied without its media/?`;
      video = make("video", {
        src: shot.video, preload: "none", playsinline: true, "aria-label": `Video of ${name}`,
        onclick: this.asks.flip, onerror: () => stage.replaceChildren(lacking(why)),
      });
      const label = `Sound of ${name}`, heard = () => sound.getAttribute("aria-pressed") === "true";
      sound = make("button", {
        type: "button", class: "sound", "aria-pressed": "false", "aria-label": label, title: label,
        onclick: () => this.asks.hear(heard() ? null : method),
      }, "♪");
    }
    stage.append(video ?? lacking(shot.reason));
    // A reason takes more room than a number: it stands below, so that the numbers of all methods stay in line.
    const values = [], why = [];
    shot.values.forEach(({ text, given }, metric) => {
      const { heading, arrow } = catalogue.metrics[metric], end = text.indexOf(":");
      const word = given || end < 0 ? text : text.slice(0, end);
      values.push(make("div", { class: given ? null : "lacks", "data-metric": metric },
        make("dt", {}, arrow ? `${heading}\u00a0${arrow.replace(" ", "\u00a0")}` : heading), make("dd", {}, word)));
      if (word !== text) why.push(make("p", {}, `${heading}: ${text}`));
    });
    const holder = make("div", { class: "strips" });
    const element = make("figure", { class: `shot m${method}`, "data-method": method }, stage,
      make("figcaption", {}, make("span", { class: "dot" }), make("strong", { title: name }, name), sound),
      holder, make("dl", { class: "values" }, values),
      why.length ? make("div", { class: "why" }, why) : null);
    return { method, name, truth, video, frames: shot.frames, element, sound, holder };
  }

  curve(title) {
    return this.content?.curves.find((one) => one.title === title) ?? null;
  }

  // Strips of the curves with these titles under every video.
  draw(titles, frame) {
    this.undraw();
    for (const { holder } of this.all) holder.replaceChildren();
    for (const curve of [...new Set(titles)].map((title) => this.curve(title)).filter(Boolean)) {
      const lines = curve.lines[this.setting];
      const between = strips.limits(curve, this.setting, this.all.map(({ method }) => method));
      if (!between) continue;
      const last = Math.max(0, ...[curve.truth, ...lines].map((line) => (line ? line.length - 1 : 0)));
      for (const shot of this.all) this.drawOne(shot, { curve, line: lines[shot.method], last, between });
    }
    this.mark(frame);
  }

  drawOne({ method, name, truth, holder }, { curve, line, last, between }) {
    const worst = truth ? null : strips.worst(curve, this.setting, [method]);
    const value = make("span", { class: "now" }), box = make("div", { class: "strip" });
    const label = `Go to the frame where ${curve.title} of ${name} is worst`, go = () => this.asks.seek(worst.frame);
    // The unit has no room here; it is in the choice of the strip.
    const what = make("span", { class: "what", title: curve.title }, curve.title.replace(/ \(.*?\)/, ""));
    holder.append(make("div", { class: "says" }, what, value,
      worst && make("button", { type: "button", class: "worst", "aria-label": label, title: label, onclick: go }, "worst")), box);
    if (!line && !curve.truth) box.append(make("p", { class: "lacks" }, "no values by frame"));
    else this.drawn.push({ line, value, strip: strips.draw(box, { curve, line, last, between, name, seek: this.asks.seek }) });
  }

  undraw() {
    for (const { strip } of this.drawn) strip.drop();
    this.drawn = [];
  }

  mark(frame) {
    for (const { line, value, strip } of this.drawn) {
      strip.mark(frame);
      value.textContent = strips.short(line?.[frame]);
    }
  }

  hear(method) {
    for (const shot of this.all) {
      shot.sound?.setAttribute("aria-pressed", String(shot.method === method));
      shot.element.classList.toggle("sounding", shot.method === method);
    }
  }

  // way: "side", or how b's video lies over a's. share: percent of the picture that a has of it when wiped.
  lay({ way, a, b, share }) {
    const two = way !== "side" && a !== b;
    this.element.className = two ? `shots over ${way}` : "shots";
    this.element.style.setProperty("--wipe", `${share}%`);
    for (const { method, element } of this.all) {
      element.classList.toggle("under", two && method === a);
      element.classList.toggle("upper", two && method === b);
    }
  }
}
