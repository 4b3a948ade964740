/** Tell a driver who looks elsewhere: a notification of the browser, a short sound; both only when they want it. */
import { url } from "../page.js";

const TONES_HZ = [660, 880];
const TONE_S = 0.16;

export class Bell {
  #sound = null;
  #worker = null;

  static get isThere() {
    return "Notification" in globalThis;
  }

  /** What the browser lets the page do: "granted", "denied", "default" (not asked yet), "unsupported". */
  static get permission() {
    return Bell.isThere ? Notification.permission : "unsupported";
  }

  /** Ask the driver, once, in answer to a press. @returns {Promise<string>} the permission */
  async ask() {
    if (Bell.permission === "default") await Notification.requestPermission();
    if (Bell.permission === "granted") await this.#enlist();
    return Bell.permission;
  }

  /** Show a notification; one with the same tag takes the place of the other. */
  async notify(title, body, tag) {
    if (Bell.permission !== "granted") return;
    const options = { body, tag, lang: document.documentElement.lang, icon: url("/static/icon.svg") };
    const worker = await this.#enlist();
    if (worker) await worker.showNotification(title, options);
    else new Notification(title, options);
  }

  /** Make sound possible: browsers want that in answer to a press. */
  unlock() {
    this.#sound ??= "AudioContext" in globalThis ? new AudioContext() : null;
    this.#sound?.resume();
  }

  ring() {
    const sound = this.#sound;
    if (!sound) return;
    TONES_HZ.forEach((frequency, index) => {
      const [tone, volume] = [sound.createOscillator(), sound.createGain()];
      const begin = sound.currentTime + index * TONE_S;
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0.0001, begin);
      volume.gain.exponentialRampToValueAtTime(0.3, begin + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, begin + TONE_S);
      tone.connect(volume).connect(sound.destination);
      tone.start(begin);
      tone.stop(begin + TONE_S);
    });
  }

  /** Phones show notifications of a worker only. */
  async #enlist() {
    if (this.#worker || !("serviceWorker" in navigator)) return this.#worker;
    try {
      const registered = await navigator.serviceWorker.register(url("/static/drive/notices-worker.js"));
      this.#worker = await active(registered);
    } catch {
      this.#worker = null; // not by https, or forbidden: desktops do without
    }
    return this.#worker;
  }
}

/** Wait until a registered worker can work. */
function active(registered) {
  const worker = registered.active ?? registered.waiting ?? registered.installing;
  if (!worker || worker.state === "activated") return registered;
  return new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve(registered)));
}
