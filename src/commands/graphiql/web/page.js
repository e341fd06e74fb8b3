// Who asks: what this page adds to GraphiQL. Tokens live in this module's memory and nowhere else; of a viewer, the browser
// keeps only which one was chosen.
const { hasViewers, tabs } = JSON.parse(document.querySelector("#options").textContent);
const ENDPOINT = new URL(location.pathname, location.href).href;
const CHOICE = "tenantry viewer";

const root = document.querySelector("#root");
const bar = document.querySelector("#bar");
const words = document.querySelector("#words");

const SIGNED_OUT = { key: "signed-out", name: "Signed out", as: "no token, no tenant", token: null, tenant: null };
let viewers = [];
let caller = SIGNED_OUT;

/** Every request to the endpoint says who asks, introspection too. What is written in GraphiQL's own headers counts before. */
const send = window.fetch.bind(window);
window.fetch = async (input, init = {}) => {
  if (new URL(input, location.href).href.split("?")[0] !== ENDPOINT) return send(input, init);
  const asked = caller;
  let answer = await send(input, withCaller(init));
  if (answer.status === 401 && hasViewers) {
    // A token has ended, or the demo was made anew: once more, with a fresh one.
    await loadViewers();
    answer = await send(input, withCaller(init));
  }
  if (asked.key === caller.key && !isIntrospection(init)) root.classList.remove("stale");
  return answer;
};

function withCaller(init) {
  const headers = new Headers(init.headers);
  // Whoever explores wants to know why, where they may not.
  headers.set("x-tenantry-explain", "1");
  if (caller.token && !headers.has("authorization")) headers.set("authorization", `Bearer ${caller.token}`);
  if (caller.tenant && !headers.has("x-tenant")) headers.set("x-tenant", caller.tenant);
  return { ...init, headers };
}

const isIntrospection = ({ body }) => typeof body === "string" && body.includes("IntrospectionQuery");

/** From now on `next` asks. The answer on the screen is somebody else's, and the schema is shown as far as it is of use to one. */
function become(next) {
  caller = next;
  root.classList.add("stale");
  window.dispatchEvent(new KeyboardEvent("keydown", { ctrlKey: true, key: "R" })); // GraphiQL's key for "fetch the schema again"
}

async function loadViewers() {
  const answer = await send(new URL("dev/viewers", location.href));
  if (!answer.ok) return;
  viewers = (await answer.json()).map((one) => ({ ...one, key: `${one.tenant} ${one.email}` }));
  caller = viewers.find(({ key }) => key === caller.key) ?? caller;
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function describe({ name, as }) {
  words.replaceChildren(element("strong", {}, name), ` ${as}`);
}

/** One choice for each viewer, tenant by tenant. */
function showPicker() {
  const choice = (viewer) => {
    const input = element("input", { type: "radio", name: "viewer", value: viewer.key, checked: viewer === caller });
    input.addEventListener("change", () => {
      localStorage.setItem(CHOICE, viewer.key);
      const fresh = viewers.find(({ key }) => key === viewer.key) ?? viewer;
      describe(fresh);
      become(fresh);
    });
    const [first] = viewer.name.split(" ");
    const isSomebody = viewer !== SIGNED_OUT;
    return element(
      "label",
      { title: isSomebody ? `${viewer.name}: ${viewer.as}` : viewer.as },
      input,
      element("span", { className: "avatar", ariaHidden: "true" }, isSomebody ? first[0] : "–"),
      isSomebody ? first : viewer.name,
    );
  };
  const group = (members, ...legend) => element("fieldset", {}, ...legend, ...members.map(choice));
  const tenants = [...new Set(viewers.map(({ tenant }) => tenant))];
  bar.append(
    ...tenants.map((tenant) =>
      group(
        viewers.filter((viewer) => viewer.tenant === tenant),
        element("legend", {}, tenant),
      ),
    ),
    group([SIGNED_OUT]),
  );
  describe(caller);
}

/** Without the development issuer: a token that somebody brings along, and their tenant. */
function showFields() {
  const field = (label, properties) => {
    const input = element("input", { type: "text", autocomplete: "off", spellcheck: false, ...properties });
    input.addEventListener("change", () =>
      become({ key: "fields", token: token.value.trim(), tenant: tenant.value.trim() }),
    );
    bar.append(element("label", { className: "field" }, label, input));
    return input;
  };
  const token = field("Token", { id: "token", placeholder: "without it you are signed out" });
  const tenant = field("Tenant", { id: "tenant", placeholder: "slug" });
  words.textContent = "Both are forgotten when the page is left.";
}

/** What GraphiQL would keep lives as long as the page: edited tabs of another service on this port would win over ours. */
function memory() {
  // Room for the query: variables are few lines.
  const kept = new Map([["graphiql:secondaryEditorFlex", "5"]]);
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
    get length() {
      return kept.size;
    },
  };
}

if (hasViewers) {
  await loadViewers();
  const chosen = localStorage.getItem(CHOICE);
  const first = viewers[0] ?? SIGNED_OUT;
  caller = [...viewers, SIGNED_OUT].find(({ key }) => key === chosen) ?? first;
  showPicker();
} else {
  showFields();
}

const linked = new URL(location.href).searchParams;
const opened = linked.has("query")
  ? [{ query: linked.get("query"), variables: linked.get("variables") }, ...tabs]
  : tabs;
window.YogaGraphiQL.renderYogaGraphiQL(root, {
  endpoint: ENDPOINT,
  defaultTabs: opened,
  // GraphiQL does not take the first tab's from there.
  variables: opened[0].variables,
  // Not into the address, where it would be logged and remembered.
  onEditQuery: () => {},
  storage: memory(),
  shouldPersistHeaders: false,
  defaultEditorToolsVisibility: "variables",
});
