// Changes how much of each data set a run sees: the weights of a mixture move together and keep their sum. Which data
// sets there are only the workspace knows, so the parameters come from it.
import { dotted, onlyOne, place, readConfigs, READS, replaced, written } from "../config.js";
import { note, Unmet } from "../unmet.js";
import { readArguments } from "../parameters.js";

const MIXTURE = /^((data|dataset|sampling|source)_)?(mixture|mix|weights|proportions)$/;
const NAME = /^[\p{L}\p{N}\p{P}\p{S} ]{1,128}$/u;
const SMALLEST_SHARE = 0.01;
const MOST = 64;

export const mixData = {
  name: "mix_data",
  title: "Change the mixture of data sets",
  description:
    "Sets the weights of a mixture of data sets in a YAML or JSON config. Each argument is the share of one data set; " +
    "shares are relative, and the weights that are written keep the sum that the config has.",
  schema: { type: "object", properties: {}, required: [], additionalProperties: false },
  schemaFromWorkspace: true,
  reads: READS,
  writes: READS,

  check(workspace, settings) {
    const { mixture, notes } = find(workspace, settings);
    const found = `${dotted(mixture)} mixes ${mixture.entries.length} data sets`;
    return { notes: [...notes, note("NOTE", found, { pointer: place(mixture) })], schema: schemaFor(mixture) };
  },

  apply(workspace, settings, text) {
    const { mixture, config } = find(workspace, settings);
    const shares = readArguments(schemaFor(mixture), text);
    const asked = sum([...shares.values()]);
    const unit = total(mixture) / asked;
    const weights = mixture.entries.map((each) => [each, written(shares.get(name(each)) * unit)]);
    const changed = weights.filter(([entry, weight]) => Math.abs(weight - entry.value) > 5e-4 * entry.value);
    if (changed.length === 0) throw new Unmet("these shares are those that the config has");
    const told = weights.map(([entry, weight]) => `${name(entry)} ${weight}`).slice(0, 8);
    return { files: new Map([[config.file, replaced(config.text, changed)]]), summary: told.join(", ") };
  },
};

function find(workspace, settings) {
  const { configs, notes } = readConfigs(workspace.files, /mix|weights|proportions/);
  const mixtures = configs.flatMap((config) => config.maps.filter(isMixture));
  const mixture = onlyOne(mixtures, "a mixture of two or more weights", "mixture_key", settings.get("mixture_key"));
  return { mixture, config: configs.find((each) => each.file === mixture.file), notes };
}

function isMixture(map) {
  const { keys, entries, others } = map;
  const fits = keys.length > 0 && MIXTURE.test(keys.at(-1)) && others === 0;
  return fits && entries.length >= 2 && entries.length <= MOST && entries.every(isWeight);
}

function isWeight(entry) {
  return entry.value > 0 && NAME.test(name(entry));
}

function schemaFor(mixture) {
  const properties = mixture.entries.map((each) => {
    const share = Number((each.value / total(mixture)).toPrecision(4));
    const minimum = Math.min(SMALLEST_SHARE, share);
    return [name(each), { type: "number", minimum, maximum: 1, "x-scale": "log", default: share }];
  });
  return { type: "object", properties: Object.fromEntries(properties), required: [], additionalProperties: false };
}

function total(mixture) {
  return sum(mixture.entries.map((each) => each.value));
}

function sum(values) {
  return values.reduce((left, right) => left + right, 0);
}

function name(entry) {
  return entry.keys.at(-1);
}
