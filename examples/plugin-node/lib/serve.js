// Binds the socket that nightlab named and serves until SIGTERM.
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";
import { handlers } from "./service.js";

const PROTO = fileURLToPath(new URL("../plugin.proto", import.meta.url));
const VARIABLE = "NIGHTLAB_PLUGIN_SOCKET";
const STOP_GRACE_MS = 1000;

/** Load the service's definition; names and enums stay as the .proto has them. */
export function service() {
  const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true };
  const loaded = grpc.loadPackageDefinition(protoLoader.loadSync(PROTO, options));
  return loaded.nightlab.api.plugin.v1.ActionPluginService;
}

/** Serve a plugin in this process until it is told to end. */
export function serve(plugin) {
  const path = process.env[VARIABLE];
  if (!path) {
    end(`${plugin.name} is a nightlab plugin: the host starts it and sets ${VARIABLE} to a socket path`);
  }
  const server = new grpc.Server();
  server.addService(service().service, handlers(plugin));
  process.umask(0o007); // the socket is for owner and group
  server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) end(`${plugin.name} cannot bind ${path}: ${error.message}`);
  });
  for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => stop(server));
}

function stop(server) {
  server.tryShutdown(() => process.exit(0));
  setTimeout(() => process.exit(0), STOP_GRACE_MS).unref(); // a call that hangs is not waited for
}

function end(line) {
  console.error(line);
  process.exit(1);
}
