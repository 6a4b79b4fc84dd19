// Videos that play as one. While they play, one of them leads (the one that is heard, else the longest) and the others
// are kept to its clock by a playback rate that is nudged, which is not seen; only what is far off jumps. At rest all
// stand in the middle of the same frame: at a frame's edge, rounding would decide which one is shown.
// Knows videos only, nothing of the page around them.

const PATIENCE = 5000; // ms to wait for a video that does not answer: it must not hold up the others
const LOOSE = 0.012; // s of drift that are left alone
const CLOSE = 0.003; // s of drift at which catching up ends
const NUDGE = 0.1; // by how much faster or slower a video plays that catches up; more makes more jitter than it mends
const FAR = 3 / FPS; // s of drift beyond which a nudge would take too long; a jump costs the others time, too
const PATIENT = 200; // ms after a jump within which its picture is presented
const TRIES = 6; // times that a video is asked for a picture that does not come
const NUDGED = 0.004; // s further within the frame, so that asking again is a jump
const REST = 600; // ms between two jumps of one video: a jump that comes late would else call for the next

const middle = (frame) => (frame + 0.5) / FPS;

// Resolves when a video can show where it stands, or never will.
function ready(video, state) {
  if ((video.readyState >= state && !video.seeking) || video.error) return Promise.resolve();
  return new Promise((resolve) => {
    const events = ["loadeddata", "canplay", "canplaythrough", "seeked", "error"];
    const look = () => {
      if (video.error || (video.readyState >= state && !video.seeking)) done();
    };
    const done = () => {
      clearTimeout(timer);
      for (const event of events) video.removeEventListener(event, look);
      resolve();
    };
    const timer = setTimeout(done, PATIENCE);
    for (const event of events) video.addEventListener(event, look);
  });
}

class Player {
  // told(): after each change of the frame, of playing, of the sound.
  constructor(told) {
    this.told = told;
    this.tracks = [];
    this.length = 0;
    this.frame = 0;
    this.on = false;
    this.turn = 0; // counts what was asked for, so that what comes late knows that it is late
    this.speed = 1;
    this.loop = false;
    this.range = null; // [first, last] frame of the loop, null for all
    this.heard = null; // place of the method that is heard
  }

  // tracks: [{video, place, frames}]; frames 0 where the number is not known before the video is loaded.
  // length: frames that can be gone to where there is no video at all.
  take(tracks, { frame, length }) {
    this.drop();
    this.length = length;
    this.tracks = tracks.map((track) => ({ ...track, presented: null, rests: false, jumped: 0, nudged: 0, tries: 0 }));
    this.range = null;
    for (const track of this.tracks) {
      this.watch(track);
      track.video.preload = "auto";
      track.video.addEventListener("loadedmetadata", () => {
        if (track.frames) return;
        track.frames = Math.max(1, Math.round(track.video.duration * FPS));
        this.told();
      });
    }
    this.listen(this.heard);
    this.seek(frame);
  }

  // Gives the decoders back: a browser has only so many.
  drop() {
    this.pause();
    for (const { video } of this.tracks) {
      video.removeAttribute("src");
      video.load();
    }
    this.tracks = [];
  }

  // Which frame a video really presents, where the browser tells.
  watch(track) {
    if (!track.video.requestVideoFrameCallback) return;
    const note = (_, { mediaTime }) => {
      track.presented = Math.floor(mediaTime * FPS + 0.01);
      track.video.requestVideoFrameCallback(note);
    };
    track.video.requestVideoFrameCallback(note);
    for (const event of ["loadeddata", "seeked"]) track.video.addEventListener(event, () => this.check(track));
  }

  // At rest, a video that has not presented its frame is asked once more, a little further within the frame: under
  // load Chromium now and then drops the picture of a jump, and the one before stays.
  check(track) {
    const turn = this.turn;
    setTimeout(() => {
      const { video, presented, frames } = track, wanted = frames ? Math.min(this.frame, frames - 1) : this.frame;
      if (presented === wanted) track.tries = 0;
      if (presented === wanted || turn !== this.turn || this.on || video.seeking || track.tries >= TRIES) return;
      track.tries += 1;
      video.currentTime = middle(wanted) + (track.tries % 2 ? NUDGED : 0);
    }, PATIENT);
  }

  // Those that are not broken.
  get sane() {
    return this.tracks.filter(({ video }) => !video.error);
  }

  get last() {
    const counts = this.tracks.length ? this.tracks.map(({ frames }) => frames) : [this.length];
    return Math.max(0, ...counts.map((count) => count - 1));
  }

  // First and last frame that are played.
  get bounds() {
    return this.loop && this.range ? [this.range[0], Math.min(this.range[1], this.last)] : [0, this.last];
  }

  // The frame that each video presents, null before its first; where the browser does not tell, the one it stands on.
  frames() {
    return this.tracks.map(({ presented, video }) =>
      video.requestVideoFrameCallback ? presented : Math.floor(video.currentTime * FPS + 0.01));
  }

  listen(place) {
    this.heard = place;
    for (const track of this.tracks) track.video.muted = track.place !== place;
    this.told();
  }

  pace(speed) {
    this.speed = speed;
    for (const track of this.tracks) {
      track.nudged = 0;
      track.video.playbackRate = speed;
    }
  }

  flip() {
    if (this.on) this.pause(); else this.play();
  }

  async play() {
    if (!this.sane.length) return;
    const turn = ++this.turn, [first, last] = this.bounds;
    this.on = true;
    if (last && (this.frame >= last || this.frame < first)) this.frame = first;
    this.told();
    // All wait for the slowest, at the same place.
    this.place(this.frame);
    await Promise.all(this.sane.map(({ video }) => ready(video, HTMLMediaElement.HAVE_FUTURE_DATA)));
    if (turn !== this.turn) return;
    for (const track of this.tracks) {
      track.rests = Boolean(track.video.error) || this.frame >= track.frames - 1;
      track.nudged = 0;
      track.video.playbackRate = this.speed;
    }
    // A video that may not start with sound starts without; one that may not start at all leaves the others running.
    await Promise.all(this.running().map(async (track) => {
      try { await track.video.play(); } catch {
        if (turn !== this.turn || track.video.muted) return;
        track.video.muted = true;
        await track.video.play().catch(() => {});
      }
    }));
    if (turn === this.turn) this.follow(turn);
  }

  running() {
    return this.tracks.filter((track) => !track.rests);
  }

  follow(turn) {
    if (turn !== this.turn) return;
    for (const track of this.running()) {
      const { video } = track;
      // One that is through waits on its last frame, whatever its sound still holds.
      if (video.error || video.ended || video.currentTime * FPS >= track.frames) this.rest(track);
    }
    const running = this.running(), lead = running.find(({ place }) => place === this.heard) ??
      running.reduce((best, track) => (best && best.frames >= track.frames ? best : track), null);
    const [first, last] = this.bounds, now = lead ? lead.video.currentTime : middle(this.last);
    if (!lead || now * FPS >= last + 1) {
      this.turn += 1;
      if (this.loop) {
        this.frame = first;
        this.halt();
        this.play();
      } else {
        this.frame = last;
        this.pause();
      }
      return;
    }
    for (const track of running) if (track !== lead) this.keep(track, now);
    if (lead.nudged) this.ease(lead, 0);
    const frame = Math.min(last, Math.floor(now * FPS + 0.01));
    if (frame !== this.frame) {
      this.frame = frame;
      this.told();
    }
    requestAnimationFrame(() => this.follow(turn));
  }

  rest(track) {
    track.rests = true;
    track.video.pause();
    if (!track.video.error) track.video.currentTime = middle(Math.max(0, track.frames - 1));
  }

  keep(track, now) {
    const { video } = track, drift = video.currentTime - now;
    if (video.seeking) return;
    if (Math.abs(drift) > FAR && performance.now() - track.jumped > REST) {
      track.jumped = performance.now();
      video.currentTime = now;
    }
    // A rate is set once to catch up and once when that is done: each time it is set, the sound starts anew.
    const off = Math.abs(drift) > (track.nudged ? CLOSE : LOOSE) && (!track.nudged || Math.sign(drift) === track.nudged);
    const nudged = off ? Math.sign(drift) : 0;
    if (nudged !== track.nudged) this.ease(track, nudged);
  }

  // way: 1 to let a video fall back, -1 to let it catch up, 0 to let it play on.
  ease(track, way) {
    track.nudged = way;
    track.video.playbackRate = Math.max(0.0625, this.speed * (1 - NUDGE * way));
  }

  halt() {
    for (const { video } of this.tracks) video.pause();
  }

  // Puts every video on a frame, or on its last one.
  place(frame) {
    for (const { video, frames } of this.tracks) {
      const target = middle(frames ? Math.min(frame, frames - 1) : frame);
      if (Math.abs(video.currentTime - target) > 1e-3) video.currentTime = target;
    }
  }

  pause() {
    this.turn += 1;
    const was = this.on;
    this.on = false;
    this.halt();
    this.place(this.frame);
    if (was) this.told();
  }

  // To a frame; what plays goes on from there.
  seek(frame) {
    const on = this.on;
    this.turn += 1;
    for (const track of this.tracks) track.tries = 0;
    this.halt();
    this.frame = Math.max(0, this.tracks.every(({ frames }) => frames) ? Math.min(frame, this.last) : frame);
    this.place(this.frame);
    this.told();
    if (on) this.play();
  }

  step(count) {
    if (this.on) this.pause();
    this.seek(this.frame + count);
  }

  // One end of the loop at the frame that is shown; the other end gives way.
  mark(end) {
    const [first, last] = this.range ?? [0, this.last];
    this.range = end ? [Math.min(first, this.frame), this.frame] : [this.frame, Math.max(last, this.frame)];
    this.loop = true;
    this.told();
  }

  whole() {
    this.range = null;
    this.told();
  }
}
