/** Say whether what shows is live. */
import { dates, t } from "./page.js";

const PATIENCE_MS = 2500; // a cut mended sooner than this is not worth a word

/** Return the function that shows the state of the stream in an element. */
export function connectionSign(element) {
  let timer = 0;
  return (state, since) => {
    clearTimeout(timer);
    const show = () => {
      element.dataset.state = state;
      element.textContent = t(`stream.${state}`, { hour: dates.hour(since) });
    };
    if (state !== "reconnecting" || !element.dataset.state) show();
    else timer = setTimeout(show, PATIENCE_MS);
  };
}
