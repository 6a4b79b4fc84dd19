// The clip that is looked at: one set of controls for the videos of all methods, which shots.js lays out and player.js
// keeps in step. The state says which clip and frame; while videos play the address rests, because browsers count how
// often it is written.

const viewer = (() => {
  const SETTLE = 250; // ms after which a frame that was stepped to enters the address
  const SPEEDS = [0.1, 0.25, 0.5, 1, 2];
  const WAYS = [["side", "side by side"], ["wipe", "wipe"], ["difference", "difference"]];
  const NONE = "-";
  // What stays from clip to clip. sound: a method's place, NONE, or null for the first that can be heard.
  const wish = { sound: null, curves: [null, NONE], a: null, b: null };
  const panel = document.getElementById("viewer");
  const parts = {};
  let player, shots, content = null, seen = -1, asked = 0, opener = null, later = 0;

  // --- the panel ----------------------------------------------------------------------------------------------------

  const button = (text, label, onclick, more) =>
    make("button", { type: "button", "aria-label": label, title: label, onclick, ...more }, text);
  const range = (label, oninput, more) =>
    make("input", { type: "range", min: 0, step: 1, "aria-label": label, oninput, ...more });

  function choice(name, label, onchange) {
    const select = make("select", { "aria-label": label, onchange });
    return { select, field: make("label", {}, make("span", {}, name), select) };
  }

  // Fills a select; the value that is asked for is chosen if it is there, else the first.
  function offer({ select }, pairs, value) {
    select.replaceChildren(...pairs.map(([key, text]) => make("option", { value: key }, text)));
    if (pairs.some(([key]) => String(key) === String(value))) select.value = String(value);
  }

  function build() {
    Object.assign(parts, {
      title: make("h3", { tabindex: "-1", id: "viewer-title" }),
      place: make("span", { class: "place" }),
      back: button("‹ Previous", "Previous clip of the list (p)", () => go(-1)),
      on: button("Next ›", "Next clip of the list (n)", () => go(1)),
      link: button("Copy link", "Copy a link to this clip and frame (c)", copy, { class: "link" }),
      close: button("Close", "Close the clip (Escape)", close, { class: "close" }),
      play: button("Play", "Play or pause all (space)", () => player.flip(), { class: "main" }),
      slider: range("Frame", () => player.seek(Number(parts.slider.value))),
      clock: make("span", { class: "clock" }),
      loop: button("Loop", "Play again and again (l)", loop, { class: "loop", "aria-pressed": "false" }),
      from: button("[", "The loop starts at this frame ([)", () => player.mark(0)),
      to: button("]", "The loop ends at this frame (])", () => player.mark(1)),
      whole: button("whole clip", "Loop over the whole clip", () => player.whole(), { hidden: true }),
      worst: button("Worst frame", "Go to the frame where a method's strip is worst (w)", worst, { class: "bad" }),
      speed: choice("Speed", "Speed", () => player.pace(Number(parts.speed.select.value))),
      first: choice("Strip", "Strip under each video", () => curve(0)),
      second: choice("and", "Second strip under each video", () => curve(1)),
      way: choice("View", "How two videos are laid out", lay),
      a: choice("of", "First video that is compared", () => { wish.a = parts.a.select.value; lay(); }),
      b: choice("and", "Second video that is compared", () => { wish.b = parts.b.select.value; lay(); }),
      wipe: range("Where the two videos meet", lay, { max: 100, value: 50, class: "wipe" }),
    });
    const step = (count, text, label) => button(text, label, () => player.step(count), { class: count < 0 ? "back" : "on" });
    parts.track = make("span", { class: "track" }, parts.slider);
    parts.pair = make("span", { class: "pair" }, parts.a.field, parts.b.field, parts.wipe);
    offer(parts.speed, SPEEDS.map((value) => [value, `${value}×`]), 1);
    offer(parts.way, WAYS, "side");
    panel.append(
      make("div", { class: "head" }, make("div", { class: "name" }, parts.title, parts.place),
        make("div", { class: "walk" }, parts.back, parts.on, parts.link, parts.close)),
      make("div", { class: "deck" },
        make("div", { class: "line" }, parts.play, step(-1, "‹", "One frame back (←)"), parts.track,
          step(1, "›", "One frame on (→)"), parts.clock),
        make("div", { class: "line" }, make("span", { class: "loops" }, parts.from, parts.loop, parts.to, parts.whole),
          parts.speed.field, parts.first.field, parts.second.field, parts.worst, parts.way.field, parts.pair)),
      shots.element,
    );
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-labelledby", "viewer-title");
  }

  // --- one clip -----------------------------------------------------------------------------------------------------

  // resume: whether it plays at once.
  async function show(resume) {
    const clip = state.clip, turn = ++asked, inside = panel.contains(document.activeElement);
    content = null;
    player.pause();
    if (clip < 0) return hide();
    if (panel.hidden) opener = document.activeElement;
    panel.hidden = false;
    seen = clip;
    parts.title.textContent = catalogue.names[clip];
    place();
    if (!inside) {
      parts.title.focus({ preventScroll: true });
      panel.scrollIntoView({ block: "start", behavior: "instant" });
    }
    try {
      const found = await loadClip(clip);
      if (turn !== asked) return;
      content = found;
    } catch (error) {
      if (turn !== asked) return;
      player.drop();
      shots.tell(error.message);
      return;
    }
    const titles = content.curves.map(({ title }) => [title, title]);
    offer(parts.first, [...titles, [NONE, "none"]], wish.curves[0]);
    offer(parts.second, [[NONE, "none"], ...titles], wish.curves[1]);
    for (const part of [parts.first.field, parts.second.field, parts.worst]) part.hidden = !titles.length;
    fill(state.frame, resume);
    say(`${catalogue.names[clip]}, ${parts.place.textContent}`, { quiet: true });
    // The neighbours' numbers, not their videos.
    for (const count of [-1, 1]) if (neighbour(count) >= 0) loadClip(neighbour(count)).catch(() => {});
  }

  function hide() {
    if (panel.hidden) return;
    const stays = !panel.contains(document.activeElement) && document.activeElement !== document.body;
    clearTimeout(later);
    player.drop();
    shots.drop();
    panel.hidden = true;
    if (stays) return;
    // Back to what opened the clip, or else to the line of the list that is of the clip.
    const there = opener && opener !== document.body && opener.getClientRects().length;
    const target = there ? opener : document.querySelector(`#lists [data-clip="${seen}"]`);
    (target?.matches("a, button, [tabindex]") ? target : target?.querySelector("a, button"))?.focus();
    opener = null;
  }

  // The videos of the clip under the setting, on a frame.
  function fill(frame, resume) {
    const inside = shots.element.contains(document.activeElement), methods = shownMethods();
    player.drop();
    shots.fill(content, state.setting, methods);
    const films = shots.films, names = films.map(({ method, name }) => [method, name]);
    const known = wish.sound === NONE || films.some(({ method }) => method === wish.sound);
    player.heard = known ? (wish.sound === NONE ? null : wish.sound) : films[0]?.method ?? null;
    offer(parts.a, names, wish.a);
    offer(parts.b, names, wish.b ?? names.at(-1)?.[0]);
    parts.way.field.hidden = films.length < 2;
    for (const part of [parts.play, parts.loop, parts.from, parts.to, parts.speed.select]) part.disabled = !films.length;
    lay();
    shots.draw(titles(), frame);
    const length = Math.max(0, ...shots.all.map(({ frames }) => frames));
    player.take(films.map(({ video, method, frames }) => ({ video, place: method, frames })), { frame, length });
    player.pace(Number(parts.speed.select.value));
    if (inside) parts.title.focus({ preventScroll: true });
    if (resume) player.play();
  }

  const titles = () => [parts.first.select.value, parts.second.select.value].filter((title) => title !== NONE);

  function curve(which) {
    wish.curves[which] = [parts.first, parts.second][which].select.value;
    shots.draw(titles(), player.frame);
  }

  // --- what follows the player --------------------------------------------------------------------------------------

  function told() {
    const { frame, last, on } = player, [first, end] = player.range ?? [0, last], ranged = player.loop && player.range;
    parts.play.textContent = on ? "Pause" : "Play";
    parts.slider.max = last;
    parts.slider.value = frame;
    parts.slider.setAttribute("aria-valuetext", `frame ${frame} of 0 to ${last}, ${(frame / FPS).toFixed(2)} seconds`);
    parts.track.classList.toggle("ranged", Boolean(ranged));
    parts.track.style.setProperty("--from", last ? first / last : 0);
    parts.track.style.setProperty("--to", last ? end / last : 1);
    parts.clock.textContent = `frame ${frame} / ${last} · ${(frame / FPS).toFixed(2)} s`;
    parts.loop.setAttribute("aria-pressed", String(player.loop));
    parts.loop.textContent = ranged ? `Loop ${first}–${end}` : "Loop";
    parts.whole.hidden = !player.range;
    shots.hear(player.heard);
    shots.mark(frame);
    clearTimeout(later);
    if (!on) later = setTimeout(keep, SETTLE);
  }

  // The frame enters the state, and so the address.
  function keep() {
    clearTimeout(later);
    if (content && state.clip === seen) change({ frame: player.frame });
  }

  function hear(method) {
    wish.sound = method ?? NONE;
    player.listen(method);
    say(method === null ? "No sound." : `Sound of ${catalogue.methods[method].name}.`);
  }

  // Sound of the next method that has some, then none.
  function hearNext() {
    const methods = [...shots.films.map(({ method }) => method), null];
    hear(methods[(methods.indexOf(player.heard) + 1) % methods.length]);
  }

  function loop() {
    player.loop = !player.loop;
    told();
  }

  function lay() {
    const way = parts.way.field.hidden ? "side" : parts.way.select.value;
    parts.pair.hidden = way === "side";
    parts.wipe.hidden = way !== "wipe";
    shots.lay({ way, a: Number(parts.a.select.value), b: Number(parts.b.select.value), share: Number(parts.wipe.value) });
  }

  function flipWipe() {
    parts.wipe.value = Number(parts.wipe.value) < 50 ? 100 : 0;
    lay();
  }

  // To the frame where the strip of one of the methods is worst; the truth is not at fault.
  function worst() {
    const curve = titles().map((title) => shots.curve(title)).find(Boolean);
    const methods = shots.all.filter(({ truth }) => !truth).map(({ method }) => method);
    const found = curve && strips.worst(curve, state.setting, methods);
    if (!found) return say("No strip says which frame is worst.");
    player.seek(found.frame);
    const { name } = catalogue.methods[found.place];
    say(`Frame ${found.frame}: ${curve.title} of ${name} is worst here, ${strips.short(found.value)}.`);
  }

  // --- from clip to clip --------------------------------------------------------------------------------------------

  const order = () => (list.clips ? list.clips() : filtered());

  function neighbour(count) {
    const clips = order(), at = clips.indexOf(state.clip);
    return (at < 0 ? clips[count > 0 ? 0 : -1] : clips[at + count]) ?? -1;
  }

  function place() {
    const clips = order(), at = clips.indexOf(state.clip);
    parts.place.textContent = at < 0 ? "not among the clips listed" : `${at + 1} of ${clips.length}`;
    parts.back.setAttribute("aria-disabled", String(neighbour(-1) < 0));
    parts.on.setAttribute("aria-disabled", String(neighbour(1) < 0));
  }

  function go(count) {
    const clip = neighbour(count);
    if (clip >= 0) change({ clip, frame: 0 }, { step: true });
    else say(count > 0 ? "This is the last clip of the list." : "This is the first clip of the list.");
  }

  function open(clip, { frame = 0 } = {}) {
    if (clip === state.clip && content) player.seek(frame);
    else change({ clip, frame }, { step: true });
  }

  function close() {
    change({ clip: -1, frame: 0 }, { step: true });
  }

  async function copy() {
    keep();
    const done = await put(location.href);
    say(done ? `Copied: a link to frame ${player.frame} of ${catalogue.names[seen]}.`
      : "The browser does not let the page copy; take the link from its address line.");
  }

  // Whether the text is in the clipboard.
  async function put(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = make("textarea", { class: "copied", readonly: true, "aria-hidden": "true" });
      field.value = text;
      panel.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      parts.link.focus();
      return done;
    }
  }

  // --- keys ---------------------------------------------------------------------------------------------------------

  const KEYS = {
    " ": () => player.flip(),
    ArrowLeft: ({ shiftKey }) => player.step(shiftKey ? -FPS : -1),
    ArrowRight: ({ shiftKey }) => player.step(shiftKey ? FPS : 1),
    Home: () => player.seek(player.bounds[0]),
    End: () => player.seek(player.bounds[1]),
    "[": () => player.mark(0),
    "]": () => player.mark(1),
    l: loop, m: hearNext, w: worst, c: copy, x: flipWipe,
    s: () => change({ setting: (state.setting + 1) % catalogue.settings.length }),
  };
  const WALK = { ArrowUp: -1, ArrowDown: 1, p: -1, n: 1 };

  // True if the event was for the viewer. start.js has taken out what the focused element has a use for itself.
  function key(event) {
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key, inside = panel.contains(event.target);
    if (state.clip < 0) return false;
    // The arrows up and down scroll the page, but for who is in the viewer.
    if (name in WALK && (inside || name.length === 1)) go(WALK[name]);
    else if (name === "Escape") close();
    else if (/^[1-9]$/.test(name) && shots.all[name - 1]?.video) hear(shots.all[name - 1].method);
    else if (content && Object.hasOwn(KEYS, name) && !(event.repeat && !name.startsWith("Arrow"))) KEYS[name](event);
    else return false;
    return true;
  }

  function start() {
    shots = new Shots({ seek: (frame) => player.seek(frame), flip: () => player.flip(), hear });
    player = new Player(told);
    build();
    panel.hidden = true;
    listen((changed) => {
      if (changed.has("clip")) show(player.on);
      else if (content && (changed.has("setting") || changed.has("without"))) fill(player.frame, player.on);
      else if (content && changed.has("frame") && state.frame !== player.frame) player.seek(state.frame);
      if (state.clip >= 0) place();
    });
    // The list is made when its values have come.
    addEventListener("list", () => { if (state.clip >= 0) place(); });
    if (state.clip >= 0) show(false);
  }

  return { start, open, close, key, frames: () => player.frames(), get player() { return player; } };
})();
