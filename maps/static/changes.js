/** Say what changed; nothing of it is needed before something does. */
import { t } from "./page.js";
import { stateOf, titleOf } from "./words.js";

/** Say what changed since the last time, for those who cannot see it move. */
export function changesWords(changes) {
  const works = changes.filter(({ feature, before }) => (feature ?? before).properties.kind !== "zone");
  const [only] = works;
  if (!only) return t("list.zones_changed");
  const sort = ({ feature, before }) => (!feature ? "removed" : before ? "changed" : "added");
  if (works.length === 1) {
    const feature = only.feature ?? only.before;
    return t(`list.one_${sort(only)}`, { title: titleOf(feature), state: stateOf(feature) });
  }
  const counts = { added: 0, changed: 0, removed: 0 };
  for (const change of works) counts[sort(change)] += 1;
  return Object.entries(counts)
    .filter(([, count]) => count)
    .map(([name, count]) => t(`list.many_${name}`, { count }))
    .join(", ");
}
