// Scales the batch size and, with it, every learning rate of the same config. Moving one without the other is what a
// search over single literals does, and it rarely helps.
import { dotted, onlyOne, place, readConfigs, READS, replaced, written } from "../config.js";
import { note, Unmet } from "../unmet.js";

const BATCH = /^(train_|per_device_train_|micro_|global_)?batch(_size)?$/;
const RATE = /^((max|min|peak|base|init|initial|final)_)?(lr|learning_rate)$/;
const HELD_OUT = /^(eval|evaluation|val|valid|validation|test|infer|inference)(_|$)/;
const RULES = { linear: (factor) => factor, sqrt: Math.sqrt, none: () => 1 };
const FACTORS = [0.25, 0.5, 2, 4];

export const scaleBatch = {
  name: "scale_batch",
  title: "Scale batch size and learning rate together",
  description:
    "Multiplies the batch size of a YAML or JSON config by a factor and its learning rates by the factor itself " +
    "(linear), by its square root (sqrt: the usual rule for Adam) or not at all (none). Larger batches need more memory.",
  schema: schemaFor(FACTORS),
  reads: READS,
  writes: READS,

  check(workspace, settings) {
    const { batch, rates, notes } = find(workspace, settings);
    const factors = FACTORS.filter((factor) => isBatch(batch.value * factor));
    const found = `${dotted(batch)} = ${batch.value} with ${rates.length} learning rates`;
    return { notes: [...notes, note("NOTE", found, { pointer: place(batch) })], schema: schemaFor(factors) };
  },

  apply(workspace, settings, chosen) {
    const { batch, rates, config } = find(workspace, settings);
    const size = batch.value * chosen.get("factor");
    if (!isBatch(size)) {
      const detail = `allowed: a factor that leaves a whole number; ${dotted(batch)} is ${batch.value}`;
      throw new Unmet(`a batch of ${size} cannot be`, { detail, pointer: "/factor" });
    }
    const by = RULES[chosen.get("rule")](chosen.get("factor"));
    const changed = by === 1 ? [] : rates.map((rate) => [rate, written(rate.value * by)]);
    const text = replaced(config.text, [[batch, String(size)], ...changed]);
    const summary = `${dotted(batch)} ${batch.value} -> ${size}, ${changed.length} learning rates x ${written(by)}`;
    return { files: new Map([[config.file, text]]), summary };
  },
};

function schemaFor(factors) {
  return {
    type: "object",
    properties: {
      factor: { type: "number", enum: factors, description: "the batch size is multiplied by this" },
      rule: { type: "string", enum: Object.keys(RULES), default: "sqrt", description: "how learning rates follow" },
    },
    required: ["factor"],
    additionalProperties: false,
  };
}

function find(workspace, settings) {
  const { configs, notes } = readConfigs(workspace.files, /batch/);
  const numbers = configs.flatMap((config) => config.maps.flatMap((map) => map.entries));
  const sizes = numbers.filter((each) => isTraining(each) && BATCH.test(last(each)) && isBatch(each.value));
  const batch = onlyOne(sizes, "a training batch size", "batch_key", settings.get("batch_key"));
  const config = configs.find((each) => each.file === batch.file);
  const rates = numbers.filter((each) => each.file === batch.file && isTraining(each) && RATE.test(last(each)));
  return { batch, rates: rates.filter((rate) => rate.value > 0), config, notes };
}

function isTraining(entry) {
  return !entry.keys.some((key) => HELD_OUT.test(key));
}

function isBatch(value) {
  return Number.isSafeInteger(value) && value >= 1;
}

function last(entry) {
  return entry.keys.at(-1);
}
