// Keeps the modules of packages for a worker's next test file: see environment.cjs.
const { default: Runtime } = require("jest-runtime");

const isPackage = (key) => key.includes("/node_modules/");
const kept = { esModuleRegistry: new Map(), moduleRegistry: new Map() };
/** Neither half a package, of a test file that ended while it was loading, nor one that would not load. */
const isWhole = (module) => (module.status ?? "evaluated") === "evaluated" && (module.loaded ?? true);

module.exports = class Packages extends Runtime {
  constructor(...args) {
    super(...args);
    for (const [name, modules] of Object.entries(kept))
      for (const [key, module] of modules) this.registries[name].set(key, module);
  }

  teardown() {
    for (const [name, modules] of Object.entries(kept))
      for (const [key, module] of this.registries[name])
        if (isPackage(key) && isWhole(module)) modules.set(key, module);
    return super.teardown();
  }
};
