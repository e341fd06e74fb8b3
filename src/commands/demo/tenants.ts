import type { Isolation } from "../../tenancy/directory/table.js";

/** A tenant of the demo, as a person would describe it. Everything else, ids and instants too, follows from it. */
export interface DemoTenant {
  readonly slug: string;
  readonly isolation: Isolation;
  /** Parents before children; the first is the root. */
  readonly organizations: readonly { readonly slug: string; readonly name: string; readonly parent: string | null }[];
  readonly roles: readonly {
    readonly key: string;
    readonly name: string;
    readonly at: string;
    readonly permissions: readonly string[];
  }[];
  readonly people: readonly DemoPerson[];
}

export interface DemoPerson {
  readonly email: string;
  readonly name: string;
  /** Who it is, for somebody who chooses a viewer; only where one would be chosen. */
  readonly as?: string;
  readonly belongs: readonly DemoMembership[];
}

interface DemoMembership {
  readonly at: string;
  readonly roles: readonly string[];
  readonly reach?: "SUBTREE";
  readonly until?: string;
}

const FIRST = [
  "Alma",
  "Bruno",
  "Clara",
  "Dario",
  "Elif",
  "Felix",
  "Greta",
  "Hugo",
  "Ines",
  "Jonas",
  "Kira",
  "Leon",
  "Mila",
  "Noah",
  "Olga",
  "Pavel",
  "Quinn",
  "Rosa",
  "Samir",
  "Tilda",
];
const LAST = ["Adler", "Berg", "Costa", "Dahl", "Egger", "Fuchs", "Gruber", "Holm", "Ivanov", "Jansen", "Keller"];
const personName = (n: number) => `${FIRST[n % FIRST.length]} ${LAST[n % LAST.length]}`;
const two = (n: number) => String(n).padStart(2, "0");
const count = (most: number) => Array.from({ length: most }, (_, index) => index + 1);
const member = (at: string): DemoMembership => ({ at, roles: ["member"] });

const REGIONS = ["north", "south", "west"];
const STORES = REGIONS.flatMap((region) => count(4).map((n) => ({ slug: `${region}-${n}`, region })));
const capital = (word: string) => word[0]!.toUpperCase() + word.slice(1);

function northwindMembers(): DemoPerson[] {
  const managed = new Set<string>();
  return count(200).map((n) => {
    const [store, next] = [STORES[n % 12]!, STORES[(n + 1) % 12]!];
    const manages = store.region === "north" && !managed.has(store.slug);
    if (manages) managed.add(store.slug);
    const own = { at: store.slug, roles: manages ? ["member", "store-manager"] : ["member"] };
    return {
      email: `member-${String(n).padStart(3, "0")}@northwind.test`,
      name: personName(n),
      belongs: n % 10 === 0 ? [own, member(next.slug)] : [own],
    };
  });
}

/** The same person in two tenants: another user in each, one identity. */
const dan = (belongs: readonly DemoMembership[], as: string): DemoPerson => ({
  email: "dan@contractor.test",
  name: "Dan Moreau",
  as,
  belongs,
});

const northwind: DemoTenant = {
  slug: "northwind",
  isolation: "SCHEMA",
  organizations: [
    { slug: "northwind", name: "Northwind", parent: null },
    ...REGIONS.map((slug) => ({ slug, name: `Northwind ${capital(slug)}`, parent: "northwind" })),
    ...STORES.map(({ slug, region }) => ({ slug, name: `${capital(region)} Store ${slug.at(-1)}`, parent: region })),
  ],
  roles: [
    {
      key: "store-manager",
      name: "Store manager",
      at: "north",
      permissions: ["members:read", "members:invite", "invoices:read"],
    },
  ],
  people: [
    {
      email: "ada@northwind.test",
      name: "Ada Lindqvist",
      as: "owner of Northwind and everything below",
      belongs: [{ at: "northwind", roles: ["owner"], reach: "SUBTREE" }],
    },
    {
      email: "ben@northwind.test",
      name: "Ben Okafor",
      as: "admin of the region North",
      belongs: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
    },
    {
      email: "cleo@northwind.test",
      name: "Cleo Marchetti",
      as: "member of one store, North 1",
      belongs: [member("north-1")],
    },
    dan(
      [member("north-1"), member("south-2"), { ...member("west-1"), until: "2026-03-31T22:00:00.000Z" }],
      "contractor in two stores here, and in Meridian",
    ),
    { email: "finn@northwind.test", name: "Finn Aaltonen", as: "in the tenant, in no organization", belongs: [] },
    ...northwindMembers(),
  ],
};

const CLIENTS = [
  "Albatros Shipping",
  "Brightwell Dental",
  "Cobalt Energy",
  "Dune Logistics",
  "Ember Foods",
  "Fjord Mutual",
  "Granite Works",
  "Harbour Hotels",
  "Indigo Textiles",
  "Juniper Labs",
  "Kestrel Air",
  "Larch Timber",
];
const clientSlug = (index: number) => `client-${two(index + 1)}`;

const meridian: DemoTenant = {
  slug: "meridian",
  isolation: "SHARED",
  organizations: [
    { slug: "meridian", name: "Meridian Consulting", parent: null },
    ...CLIENTS.map((name, index) => ({ slug: clientSlug(index), name, parent: "meridian" })),
  ],
  roles: [],
  people: [
    {
      email: "eve@meridian.test",
      name: "Eve Thorne",
      as: "owner of Meridian and its clients",
      belongs: [{ at: "meridian", roles: ["owner"], reach: "SUBTREE" }],
    },
    dan([member("client-01"), member("client-07")], "contractor for two clients here, and in Northwind"),
    ...count(30).map((n) => ({
      email: `consultant-${two(n)}@meridian.test`,
      name: personName(n + 7),
      belongs: count(2 + (n % 4)).map((k) => member(clientSlug((n * 5 + k) % CLIENTS.length))),
    })),
  ],
};

const CUSTOMERS = [
  "Aurora Clinics",
  "Beacon Schools",
  "Cedar Housing",
  "Delta Foods",
  "Evergreen Parks",
  "Falcon Couriers",
  "Glacier Water",
  "Horizon Rail",
  "Iris Optics",
];

const lumen: DemoTenant = {
  slug: "lumen",
  isolation: "DATABASE",
  organizations: [
    { slug: "lumen", name: "Lumen Platform", parent: null },
    ...CUSTOMERS.map((name, index) => ({ slug: `customer-${index + 1}`, name, parent: "lumen" })),
    ...count(50).map((n) => {
      const customer = (n - 1) % CUSTOMERS.length;
      const place = Math.ceil(n / CUSTOMERS.length);
      return {
        slug: `customer-${customer + 1}-${place}`,
        name: `${CUSTOMERS[customer]} Site ${place}`,
        parent: `customer-${customer + 1}`,
      };
    }),
  ],
  roles: [],
  people: [
    {
      email: "gus@lumen.test",
      name: "Gus Hartmann",
      as: "owner of a platform, its customers and theirs",
      belongs: [{ at: "lumen", roles: ["owner"], reach: "SUBTREE" }],
    },
  ],
};

export const DEMO_TENANTS: readonly DemoTenant[] = [northwind, meridian, lumen];

/** Whose tokens a first start prints. */
export const SHOWN = [
  "ada@northwind.test",
  "ben@northwind.test",
  "cleo@northwind.test",
  "eve@meridian.test",
  "gus@lumen.test",
];
