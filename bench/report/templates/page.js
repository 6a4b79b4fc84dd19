
"use strict";
// The clips of one row play as one: the one with the sound leads, the others are held to its clock.
const FRAME = 1 / 25, SLACK = 0.06, PATIENCE = 5000;
const bar = document.getElementById("bar"), list = document.getElementById("list");
const field = (name) => bar.elements.namedItem(name);
const rows = [];
let playing = null;

function ready(video) {
  // A file that is gone or cannot be played must not hold up the others.
  if (video.readyState >= 3 || video.error) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => { clearTimeout(timer); resolve(); };
    const timer = setTimeout(done, PATIENCE);
    for (const event of ["canplay", "error"]) video.addEventListener(event, done, { once: true });
    video.preload = "auto";
    if (video.networkState !== HTMLMediaElement.NETWORK_LOADING) video.load();
  });
}

class Row {
  constructor(section) {
    this.section = section;
    this.toggle = section.querySelector(".toggle");
    this.slider = section.querySelector("input[type=range]");
    this.clock = section.querySelector("output");
    this.time = 0;
    this.on = false;
    this.turn = 0;
    this.frame = 0;
    section.querySelector(".play").hidden = false;
    this.toggle.addEventListener("click", () => this.flip());
    section.querySelector(".back").addEventListener("click", () => this.step(-1));
    section.querySelector(".on").addEventListener("click", () => this.step(1));
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value) * this.length()));
    for (const video of section.querySelectorAll("video")) {
      // The native controls would lie over the mouth; the row has its own.
      video.controls = false;
      video.addEventListener("click", () => this.flip());
    }
    this.choose();
  }

  choose() {
    // Which videos are seen under the setting, and which of them is heard.
    const figures = [...this.section.querySelectorAll(".shot:not([hidden])")];
    const shown = figures.filter((figure) => figure.querySelector("video"));
    this.videos = shown.map((figure) => figure.querySelector("video"));
    const heard = shown.find((figure) => figure.dataset.method === field("sound").value);
    this.lead = heard ? heard.querySelector("video") : this.videos[0];
    for (const figure of this.section.querySelectorAll(".shot")) {
      figure.classList.toggle("sounding", figure === heard);
      const video = figure.querySelector("video");
      if (video) {
        video.muted = figure !== heard;
        video.playbackRate = Number(field("speed").value);
      }
    }
    for (const control of this.section.querySelectorAll(".play button, .play input")) control.disabled = !this.lead;
  }

  length() {
    return this.lead && Number.isFinite(this.lead.duration) ? this.lead.duration : 0;
  }

  flip() {
    if (this.on) this.pause(); else this.play();
  }

  async play() {
    if (playing && playing !== this) playing.pause();
    if (!this.lead) return;
    playing = this;
    this.on = true;
    const turn = ++this.turn;
    this.say();
    await Promise.all(this.videos.map(ready));
    if (turn !== this.turn) return;
    if (this.time >= this.length() - FRAME) this.time = 0;
    for (const video of this.videos) video.currentTime = this.time;
    // A video that may not start leaves the others running.
    await Promise.allSettled(this.videos.map((video) => video.play()));
    if (turn === this.turn) this.follow(turn);
  }

  follow(turn) {
    if (turn !== this.turn) return;
    this.time = this.lead.currentTime;
    for (const video of this.videos) {
      if (video !== this.lead && !video.ended && Math.abs(video.currentTime - this.time) > SLACK) {
        video.currentTime = this.time;
      }
    }
    this.say();
    if (this.lead.ended || this.lead.error) {
      this.pause();
      if (field("loop").checked && !this.lead.error) { this.time = 0; this.play(); }
      return;
    }
    requestAnimationFrame(() => this.follow(turn));
  }

  pause() {
    this.turn += 1;
    this.on = false;
    for (const video of this.videos) {
      video.pause();
      if (video.readyState > 0) video.currentTime = this.time;
    }
    this.say();
  }

  async seek(time) {
    const share = Number(this.slider.value);
    if (this.lead && !this.length()) {
      // Nothing is loaded before it is asked for, so the length is not known yet.
      await Promise.all(this.videos.map(ready));
      time = share * this.length();
    }
    this.time = Math.min(Math.max(time, 0), Math.max(0, this.length() - FRAME / 2));
    for (const video of this.videos) video.currentTime = this.time;
    this.say();
  }

  async step(count) {
    if (this.on) this.pause();
    if (!this.lead) return;
    await Promise.all(this.videos.map(ready));
    // To the middle of a frame: at its edge, rounding decides which one is shown.
    const frame = Math.max(0, Math.floor(this.time / FRAME + 1e-6) + count);
    this.seek((frame + 0.5) * FRAME);
  }

  say() {
    this.toggle.textContent = this.on ? "Pause" : "Play all";
    this.slider.value = this.length() ? this.time / this.length() : 0;
    this.clock.textContent = `${this.time.toFixed(2)} s`;
    const frame = Math.floor(this.time / FRAME + 1e-6);
    if (frame === this.frame) return;
    this.frame = frame;
    for (const line of this.section.querySelectorAll(".strip .now")) line.setAttribute("d", `M${frame} 0V100`);
  }
}

function settle() {
  const setting = field("setting");
  for (const figure of list.querySelectorAll(".shot")) {
    if (setting) figure.hidden = figure.dataset.setting !== setting.value;
  }
  for (const row of rows) row.choose();
}

function arrange() {
  const order = field("order").value;
  const place = (row) => Number(order === "" ? row.section.dataset.place : row.section.dataset.places.split(" ")[order]);
  rows.sort((a, b) => place(a) - place(b) || a.section.dataset.place - b.section.dataset.place);
  list.append(...rows.map((row) => row.section));
}

function open() {
  // A link to a metric opens its card.
  const card = location.hash && document.getElementById(location.hash.slice(1));
  if (card instanceof HTMLDetailsElement) card.open = true;
}

bar.hidden = false;
bar.addEventListener("submit", (event) => event.preventDefault());
bar.addEventListener("change", (event) => {
  if (playing && event.target.name !== "loop") playing.pause();
  if (event.target.name === "order") arrange(); else if (event.target.name !== "loop") settle();
});
for (const section of list.querySelectorAll(".clip")) rows.push(new Row(section));
addEventListener("hashchange", open);
settle();
open();
