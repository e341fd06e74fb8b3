import { checkVersion } from "../../../src/tenancy/walls/version.js";

describe("checkVersion", () => {
  it.each([150014, 150018, 160010, 170006, 170011, 180000, 180004, 190001])("is content with %i", (version) => {
    expect(checkVersion(version)).toBeNull();
  });

  it.each([
    [150013, "15.13", "15.14"],
    [160009, "16.9", "16.10"],
    [160000, "16.0", "16.10"],
    [170005, "17.5", "17.6"],
  ])("names the update that %i wants", (version, it, wanted) => {
    expect(checkVersion(version)).toEqual({
      what: `The server is PostgreSQL ${it}, whose row security lets through what later releases keep hidden.`,
      mend: `Update it to PostgreSQL ${wanted} or later; a minor update keeps the data as it is.`,
    });
  });

  it.each([140099, 90624, 0, Number.NaN])("does not support %d", (version) => {
    expect(checkVersion(version)?.what).toMatch(/which is not supported\.$/);
  });
});
