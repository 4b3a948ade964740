/** The page's voice, where the browser has one. */

const LANGUAGES = { fr: "fr-FR", en: "en-GB" };

export class Voice {
  isOn = true;
  #language;

  /** @param {string} language of the page */
  constructor(language) {
    this.#language = language;
  }

  static get isThere() {
    return "speechSynthesis" in globalThis && "SpeechSynthesisUtterance" in globalThis;
  }

  /** Say something now, in the place of what is being said. @param {string} text */
  say(text) {
    if (!this.isOn || !Voice.isThere || !text) return;
    speechSynthesis.cancel();
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = LANGUAGES[this.#language] ?? this.#language;
    const voices = speechSynthesis.getVoices().filter(({ lang }) => lang.replace("_", "-").startsWith(this.#language));
    // A voice of the device speaks without a network, and what it says goes nowhere.
    const voice = voices.find(({ localService }) => localService) ?? voices[0];
    if (voice) utterance.voice = voice;
    speechSynthesis.speak(utterance);
  }

  /** Be silent at once. */
  hush() {
    if (Voice.isThere) speechSynthesis.cancel();
  }
}
