// Starts the plugin: nightlab names a socket in NIGHTLAB_PLUGIN_SOCKET, and the actions are served on it.
import { mixData } from "./lib/actions/mix_data.js";
import { scaleBatch } from "./lib/actions/scale_batch.js";
import { serve } from "./lib/serve.js";

export const PLUGIN = { name: "yaml-moves", version: "1.0.0", actions: [scaleBatch, mixData] };

serve(PLUGIN);
