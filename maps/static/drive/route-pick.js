/** Draw a route on the map, corner by corner, or take it from a file. */
import { Drawing } from "../draw.js";
import { byId } from "../element.js";
import { t } from "../page.js";
import { metresWords } from "../words.js";
import { readRouteFile, RouteFault } from "./route-file.js";
import { Way } from "./way.js";

const MOST_CORNERS = 500; // a file's line is shown whole, not corner by corner

export class RoutePick {
  #drawing;
  #line;
  #source;
  #changed;
  #quiet = false;
  #width = 0;

  /**
   * @param {{line: [number, number][], source: string}} route what was chosen before
   * @param {(route: {line: [number, number][], source: string}) => void} changed
   */
  constructor({ line, source }, changed) {
    this.#changed = changed;
    this.#line = line;
    this.#source = source;
    this.#drawing = new Drawing(byId("draw-map"), () => this.#quiet || this.#drawn(), { colour: "accent" });
    byId("add-centre").addEventListener("click", () => this.#drawing.addCentre());
    byId("undo").addEventListener("click", () => this.#drawing.undo());
    byId("clear").addEventListener("click", () => this.#set([], ""));
    byId("file").addEventListener("change", () => this.#import(byId("file")));
    // A map that nobody sees has no size to fit a route into.
    new ResizeObserver(([{ contentRect }]) => this.#sized(contentRect.width)).observe(byId("draw-map"));
  }

  /** Show the town's zones behind the drawing. @param {any[]} zones */
  around(zones) {
    this.#drawing.around(zones);
  }

  #sized(width) {
    if (width && !this.#width) this.#show();
    this.#width = width;
  }

  #drawn() {
    const drawn = this.#drawing.drawn;
    this.#take(drawn?.type === "LineString" ? drawn.coordinates : [], "");
    this.#tell(drawn?.type === "Point");
  }

  async #import(field) {
    const [file] = field.files;
    field.value = ""; // the same file may be mended and chosen again
    if (!file) return;
    try {
      this.#set(await readRouteFile(file), file.name);
    } catch (error) {
      this.#fail(error instanceof RouteFault ? error.code : "unread");
    }
  }

  #set(line, source) {
    this.#take(line, source);
    this.#show();
  }

  #take(line, source) {
    this.#line = line;
    this.#source = source;
    byId("file-error").hidden = true;
    this.#changed({ line, source });
  }

  #show() {
    this.#quiet = true;
    this.#drawing.measure();
    if (this.#source || this.#line.length > MOST_CORNERS) this.#drawing.begin({ type: "LineString", coordinates: this.#line });
    else {
      this.#drawing.begin(null);
      this.#drawing.resume(this.#line);
    }
    this.#quiet = false;
    this.#tell(false);
  }

  #tell(isBegun) {
    const isThere = this.#line.length > 1;
    const length = isThere ? metresWords(new Way(this.#line).lengthM) : "";
    const words = isBegun ? t("drive.route_begun") : t(!isThere ? "drive.route_none" : this.#source ? "drive.route_file" : "drive.route_drawn", { length, name: this.#source });
    byId("route-told").textContent = words;
    byId("add-centre").hidden = Boolean(this.#source);
    byId("undo").hidden = Boolean(this.#source) || !(isThere || isBegun);
    byId("clear").hidden = !(isThere || isBegun);
  }

  #fail(code) {
    byId("file-error").textContent = t(`drive.route_fault.${code}`);
    byId("file-error").hidden = false;
    byId("file-error").scrollIntoView({ block: "nearest" });
  }
}
