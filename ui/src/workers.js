// Monaco parses and validates in workers. They are files of ours, beside this one, with names that `build.mjs` fills in:
// a worker from a blob or from another host would need a weaker Content-Security-Policy.
/* global WORKERS */
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = WORKERS[label] ?? WORKERS.editor;
    return new Worker(new URL(file, import.meta.url), { type: 'module', name: label });
  },
};
