/** The page while a driver looks ahead or drives: the next event large, the list, and how fresh all is. */
import { byId, el } from "../element.js";
import { dates, t } from "../page.js";
import { metresWords } from "../words.js";
import { entryCard, knowledgeWords, nextCard } from "./cards.js";
import { nextOf } from "./entries.js";
import { EventList } from "./events.js";

export class Road {
  #list;
  #zoneName;
  #next = "";
  #faults = { question: "", position: "" };

  /**
   * @param {(key: string) => void} select
   * @param {(id: string) => string} zoneName
   */
  constructor(select, zoneName) {
    this.#list = new EventList(byId("events"), select);
    this.#zoneName = zoneName;
  }

  /** Open for a choice. @param {import("./choice.js").Choice} choice */
  open(choice) {
    this.#next = "";
    this.#faults = { question: "", position: "" };
    byId("title").textContent = t(`drive.road_${choice.place}`);
    byId("everything").checked = false;
    byId("road-told").hidden = true;
  }

  /**
   * Show what lies ahead.
   * @param {import("./journey.js").Journey} journey
   * @param {import("./choice.js").Choice} choice
   * @param {import("./knowledge.js").Knowledge} knowledge
   */
  show(journey, choice, knowledge, entries = journey.entries) {
    const begins = choice.depart && !journey.at ? journey.begins : null;
    this.#list.show(entries, (entry) => entryCard(entry, this.#zoneName, begins));
    this.#showNext(nextOf(entries), this.#silence(journey, choice), begins);
    this.showKnowledge(knowledge);
    byId("filter-told").textContent = this.#filterWords(journey, choice, Boolean(begins));
    this.#tellFault(journey);
  }

  /** Say how old what shows is. @param {import("./knowledge.js").Knowledge} knowledge */
  showKnowledge(knowledge) {
    const { state, words } = knowledgeWords(knowledge);
    const sign = byId("knowledge");
    sign.dataset.state = state;
    if (sign.textContent !== words) sign.textContent = words;
  }

  /**
   * Show the page for somebody who drives, with nothing to press but what stops it; return whether they just set off.
   * @param {boolean} isMoving
   */
  move(isMoving) {
    const setsOff = isMoving && !document.body.classList.contains("moving");
    byId("main").toggleAttribute("data-moving", isMoving);
    document.body.classList.toggle("moving", isMoving);
    byId("moving-told").hidden = !isMoving;
    byId("events").inert = isMoving;
    return setsOff;
  }

  /** Take note of what is wrong; "" when it is mended. @param {"question" | "position"} topic @param {string} fault */
  fault(topic, fault, journey) {
    this.#faults[topic] = fault;
    if (journey) this.#tellFault(journey);
  }

  focus(key) {
    return this.#list.focus(key);
  }

  #tellFault({ offM }) {
    const { question, position } = this.#faults;
    const words = question ? t(`drive.${question}`) : position ? t(`drive.position.${position}`, { distance: offM === null ? "" : metresWords(offM) }) : "";
    byId("road-told").hidden = !words;
    if (byId("road-told").textContent !== words) byId("road-told").textContent = words;
  }

  #showNext(entry, silence, begins) {
    const nodes = entry ? nextCard(entry, this.#zoneName, begins) : silence;
    const sign = nodes.map((node) => node.outerHTML).join("");
    if (sign === this.#next) return;
    this.#next = sign;
    byId("next").classList.toggle("is-clear", !entry);
    byId("next").replaceChildren(...nodes);
  }

  /** What stands in the place of the next event when there is none. */
  #silence(journey, { place }) {
    if (place === "around" && !journey.at) return [el("p", { class: "next-what" }, t("drive.locating"))];
    if (!journey.isAnswered) return [el("p", { class: "next-what" }, t("drive.searching"))];
    return [el("p", { class: "next-what" }, t("drive.clear_ahead")), el("p", {}, t("drive.clear_hint"))];
  }

  #filterWords({ everything }, { place, vehicle, depart }, isPlanned) {
    if (everything) return t("drive.all_shown");
    const said = t(place === "route" ? "drive.for_vehicle" : "drive.for_vehicle_horizon", { vehicle: t(`drive.class.${vehicle.class}`).toLocaleLowerCase(document.documentElement.lang) });
    return isPlanned ? `${t("drive.depart_from", { moment: dates.moment(new Date(depart)) })}. ${said}` : said;
  }
}
