import { randomBytes } from "node:crypto";
import { SealKey } from "../../../src/features/audit/chain.js";
import { pruneAudit } from "../../../src/features/audit/prune.js";
import { sealTenant } from "../../../src/features/audit/seal.js";
import { loadKey } from "../../../src/identity/key.js";
import { newId } from "../../../src/ids.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { sealNow, verifyIn } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, ownerInHome, type Sql } from "../../support/home.js";
import { seeded } from "../../support/random.js";
import { openLeases, recordOf } from "../../support/sessions.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let shop: Planted;
let rival: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  const sketch = {
    tree: { top: { till: {} } },
    people: { olga: [{ at: "top", roles: ["owner"], reach: "SUBTREE" }] },
  } as const;
  ({ shop, rival } = await world(gateway, { shop: sketch, rival: sketch }));
  sql = homeOf(gateway, "shop");
  for (const [slug, planted] of Object.entries({ shop, rival })) {
    for (let seal = 1; seal <= 4; seal++) {
      await upsert(planted, `person-${seal}`);
      await createBelow(planted, `s${seal}`);
      await sealNow(gateway, slug);
    }
  }
});
afterAll(() => gateway.close());

const createBelow = (planted: Planted, slug: string) =>
  change(
    planted.as("olga"),
    "createOrganization",
    { parentId: planted.id("Organization", "till"), name: slug, slug },
    "organization { id }",
  );
const upsert = (planted: Planted, externalId: string) =>
  change(planted.as("olga"), "upsertUser", { externalId, email: `${externalId}@shop.test` }, "user { id }");

const sealsOf = async (run: Sql): Promise<{ number: number; events: string[] }[]> =>
  (await run("select number, array_to_json(events) as events from audit_seals where tenant_id = $1 order by number", [
    shop.tenantId,
  ])) as never;
const verify = () => ownerInHome(gateway, "shop", (run) => verifyIn(run, shop.tenantId));

/** What a look finds after somebody who may write everything has been at the audit. Nothing of it is kept. */
async function tampered(run: Sql, work: () => Promise<unknown>, witness = true): Promise<string | null> {
  const seals = await run(
    "select number, encode(mac, 'hex') as mac from audit_seals where tenant_id = $1 order by number desc limit 1",
    [shop.tenantId],
  );
  await run("begin");
  try {
    await work();
    return (await verifyIn(run, shop.tenantId, witness ? (seals as never) : [])).broken;
  } finally {
    await run("rollback");
  }
}

describe("sealTenant", () => {
  it("puts every event into one seal, and leaves none waiting", async () => {
    const seals = await sealsOf(sql);
    const events = await sql("select id from audit_events order by id");

    expect(seals.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    expect(seals.flatMap((seal) => seal.events).sort()).toEqual(events.map(({ id }) => id));
    expect(await sql("select * from audit_unsealed")).toEqual([]);
    expect(await verify()).toMatchObject({ events: 8, newest: 4, unsealed: 0, broken: null });
  });

  it("seals a backlog a thousand events at a time, each seal in a transaction of its own", async () => {
    const { crowd } = await world(gateway, { crowd: { tree: { crowd: {} } } });
    await homeOf(gateway, "crowd")(
      `with made as (
         insert into audit_events (tenant_id, id, at, action, actor_type, organization_id, path, target_type, target_id, request_id)
         select $1, gen_random_uuid(), clock_timestamp(), 'organization.updated', 'OPERATOR', $2::uuid, '{}', 'Organization', $2::uuid, 'r'
         from generate_series(1, 2001) returning id
       )
       insert into audit_unsealed (tenant_id, event_id) select $1, id from made`,
      [crowd.tenantId, crowd.organizations.crowd],
    );

    await sealNow(gateway, "crowd");

    const seals = await homeOf(
      gateway,
      "crowd",
    )(
      "select cardinality(events) as count, count(*) over (partition by xmin::text) as together from audit_seals order by number",
    );
    expect(seals.map(({ count, together }) => [count, Number(together)])).toEqual([
      [1000, 1],
      [1000, 1],
      [1, 1],
    ]);
  });

  it("makes no seal of nothing", async () => {
    expect(await sealNow(gateway, "shop")).toMatchObject({ made: 0, newest: { number: 4 } });
  });

  it("seals an event that is committed after others that came later", async () => {
    // Not of the gateway's own connections: whoever asks it waits until all of those are free.
    const others = openLeases(gateway.database.databases, { size: 1 });
    const session = await TenantSession.open(others, await recordOf(gateway.database, "shop"), "change");
    const late = newId();
    await session.query(
      `with waits as (insert into audit_unsealed values ($1, $2))
       insert into audit_events (tenant_id, id, at, action, actor_type, organization_id, path, target_type, target_id, request_id)
       values ($1, $2, clock_timestamp(), 'test.late', 'OPERATOR', $3, '{}', 'Test', $2, 'r')`,
      [shop.tenantId, late, shop.organizations.till],
    );
    await createBelow(shop, "early");
    await sealNow(gateway, "shop");
    const between = await verify();

    await session.commit();
    await others.close();
    const waiting = await verify();
    await sealNow(gateway, "shop");

    const [sooner, later] = (await sealsOf(sql)).slice(-2);
    expect(between).toMatchObject({ unsealed: 0, broken: null });
    expect(waiting).toMatchObject({ unsealed: 1, broken: null });
    expect(later!.events).toEqual([late]);
    expect(late < sooner!.events[0]!).toBe(true);
    expect(await verify()).toMatchObject({ unsealed: 0, broken: null });
  });

  it("seals once when several seal at the same time, while others write", async () => {
    const before = (await sealsOf(sql)).length;
    const writers = Array.from({ length: 4 }, (_, n) => createBelow(shop, `busy-${n}`));

    await Promise.all([...writers, ...Array.from({ length: 4 }, () => sealNow(gateway, "shop"))]);
    await sealNow(gateway, "shop");

    const seals = await sealsOf(sql);
    const sealed = seals.flatMap((seal) => seal.events);
    expect(seals.length).toBeGreaterThan(before);
    expect(seals.map(({ number }) => number)).toEqual(seals.map((_, n) => n + 1));
    expect(new Set(sealed).size).toBe(sealed.length);
    expect(await verify()).toMatchObject({ unsealed: 0, broken: null });
  });

  it.each([
    ["audit_events", "update audit_events set action = 'x' where tenant_id = $1"],
    ["audit_events", "delete from audit_events where tenant_id = $1"],
    ["audit_events", "truncate audit_events"],
    ["audit_seals", "update audit_seals set mac = '' where tenant_id = $1"],
    ["audit_seals", "delete from audit_seals where tenant_id = $1"],
    ["audit_seals", "truncate audit_seals"],
    ["audit_values", "update audit_values set value = '{}' where tenant_id = $1"],
    ["audit_values", "truncate audit_values"],
    ["audit_unsealed", "update audit_unsealed set event_id = tenant_id where tenant_id = $1"],
    ["audit_unsealed", "truncate audit_unsealed"],
  ])("does not let the login that serves change %s: %s", async (table, text) => {
    const session = await TenantSession.open(gateway.serve, await recordOf(gateway.database, "shop"), "withdraw");

    const refused = session.query(text, text.startsWith("truncate") ? [] : [shop.tenantId]);

    await expect(refused).rejects.toThrow(`permission denied for table ${table}`);
    await session.rollback();
  });

  it("leaves a home alone that is closed to changes, or is not the tenant's any more", async () => {
    const tenant = await recordOf(gateway.database, "shop");
    const key = await loadKey({ dataDir: FOLDER });
    await createBelow(shop, "waits");

    await sql("update tenant set status = 'FENCED'");
    const fenced = await sealTenant(gateway.serve, tenant, key);
    await sql("update tenant set status = 'ACTIVE', epoch = epoch + 1");
    const left = await sealTenant(gateway.serve, tenant, key);
    await sql("update tenant set epoch = epoch - 1");

    expect([fenced, left]).toEqual([null, null]);
    expect(await sealNow(gateway, "shop")).toMatchObject({ made: 1 });
  });
});

/** Another value than the one that is there, for each type of a column. */
const OTHER: Readonly<Record<string, string>> = {
  uuid: "gen_random_uuid()",
  "timestamp(3) with time zone": "COLUMN + interval '1 millisecond'",
  text: "COLUMN || 'x'",
  jsonb: "coalesce(COLUMN, '{}') || '{\"forged\": 1}'",
  bytea: "coalesce(COLUMN, '') || '\\x00'",
  integer: "COLUMN + 1000",
  "uuid[]": "array_append(COLUMN, gen_random_uuid())",
  "bytea[]": "(select array_agg(d || '\\x00'::bytea) from unnest(COLUMN) d)",
};
/** These come in pairs that a rule of the table holds together. */
const TOGETHER: Readonly<Record<string, string>> = {
  actor_type:
    "actor_type = case actor_type when 'USER' then 'OPERATOR' else 'USER' end, actor_id = case when actor_id is null then gen_random_uuid() end",
  actor_id: "actor_type = 'USER', actor_id = gen_random_uuid()",
  events: "events = events || gen_random_uuid(), digests = digests || '\\x00'::bytea",
};

/** Whatever of the plans of the statements that `work` sends is made anew for each row. */
async function readAnew(run: Sql, work: (run: Sql) => Promise<unknown>): Promise<string[]> {
  const plans: string[] = [];
  // As where nothing fits in memory: a list is then read from its beginning for each row that is looked for in it.
  await run("set local work_mem = '64kB'");
  await run("set local hash_mem_multiplier = 1");
  await work(async (text, params) => {
    if (/^\s*(with|select|delete)/.test(text) && !text.includes("advisory"))
      plans.push(...(await run(`explain ${text}`, params)).map((row) => String(row["QUERY PLAN"])));
    return run(text, params);
  });
  // A case asks only of what is missing, whose person was erased.
  return plans.filter((line) => /Filter: (?!CASE).*(NOT \(ANY|NOT \((hashed )?SubPlan)/.test(line));
}

describe("verifyAudit", () => {
  const seed = Number(process.env.TENANTRY_TEST_SEED ?? Date.now() % 1_000_000);
  const random = seeded(seed);
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;

  it.each(["audit_events", "audit_values", "audit_seals"])(
    `finds each column of ${"%s"} that is changed, and names the place (seed ${seed})`,
    async (table) => {
      await ownerInHome(gateway, "shop", async (run) => {
        const columns = await run(
          `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
           where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`,
          [table],
        );
        expect(columns.length).toBeGreaterThan(4);
        for (const { name, type } of columns as { name: string; type: string }[]) {
          const seals = await sealsOf(run);
          const [event, seal] = [oneOf(seals.flatMap(({ events }) => events)), oneOf(seals)];
          const set = TOGETHER[name] ?? `${name} = ${OTHER[type]!.replaceAll("COLUMN", name)}`;
          const [value] = await run(
            `select e.id, v.commitment from audit_values v join audit_events e using (tenant_id, commitment)
             where e.tenant_id = $1 order by md5(e.id::text || $2) limit 1`,
            [shop.tenantId, String(random())],
          );
          const [where, ofRow, place] = {
            audit_events: ["id = $2", event, `event ${event}`],
            audit_values: ["commitment = $2", value!.commitment, `event ${value!.id}`],
            audit_seals: ["number = $2", seal.number, `[Ss]eals? ${seal.number} `],
          }[table] as [string, unknown, string];

          const broken = await tampered(run, () =>
            run(`update ${table} set ${set} where tenant_id = $1 and ${where}`, [shop.tenantId, ofRow]),
          );

          expect([name, broken]).toEqual([name, expect.stringMatching(place)]);
        }
      });
    },
  );

  it(`finds whatever is removed, doubled, exchanged or cut, and names the first place (seed ${seed})`, async () => {
    await ownerInHome(gateway, "shop", async (run) => {
      const seals = await sealsOf(run);
      const last = seals.at(-1)!.number;
      const own = (text: string, ...params: unknown[]) => run(text, [shop.tenantId, ...params]);
      for (let round = 0; round < 4; round++) {
        const seal = oneOf(seals);
        const event = oneOf(seal.events);
        const [low, high] = [oneOf(seals.slice(0, -1)).number, last];
        const cases: [string, () => Promise<unknown>][] = [
          [
            `The event ${event} of seal ${seal.number} is missing.`,
            () => own("delete from audit_events where tenant_id = $1 and id = $2", event),
          ],
          [
            seal.number === last
              ? `cut after seal ${last - 1}: seal ${last} is missing`
              : `Seal ${seal.number} is missing.`,
            () => own("delete from audit_seals where tenant_id = $1 and number = $2", seal.number),
          ],
          [
            `cut after seal ${low}: seal`,
            async () => {
              await own(
                "delete from audit_events where tenant_id = $1 and id in (select unnest(events) from audit_seals where tenant_id = $1 and number > $2)",
                low,
              );
              await own("delete from audit_seals where tenant_id = $1 and number > $2", low);
            },
          ],
          [
            `Seal${low === 1 ? " 1 is" : `s 1 to ${low} are`} missing.`,
            () => own("delete from audit_seals where tenant_id = $1 and number <= $2", low),
          ],
          [
            `Seal ${low} is not what was written`,
            async () => {
              await own("update audit_seals set number = -1 where tenant_id = $1 and number = $2", low);
              await own("update audit_seals set number = $2 where tenant_id = $1 and number = $3", low, high);
              await own("update audit_seals set number = $2 where tenant_id = $1 and number = -1", high);
            },
          ],
          [
            "is in no seal, and does not wait for one.",
            () =>
              own(
                `insert into audit_events select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid()))).* from audit_events e
                 where tenant_id = $1 and id = $2`,
                event,
              ),
          ],
          ...[0, -1].map((number): [string, () => Promise<unknown>] => [
            `Seal ${number} is none that was made here.`,
            () =>
              own(
                `insert into audit_seals select (jsonb_populate_record(s, jsonb_build_object('number', $3::int))).* from audit_seals s
                 where tenant_id = $1 and number = $2`,
                low,
                number,
              ),
          ]),
          ["waits for a seal, and is missing.", () => own("insert into audit_unsealed values ($1, gen_random_uuid())")],
        ];
        for (const [place, work] of cases) expect(await tampered(run, work)).toContain(place);
      }
    });
  });

  it("holds a seal against all that was ever told of its number, also before it was made anew", async () => {
    const [last] = (await sql(
      "select number, encode(mac, 'hex') as mac from audit_seals order by number desc limit 1",
    )) as [{ number: number; mac: string }];
    const before = { ...last, mac: "00".repeat(32) };

    const found = await ownerInHome(gateway, "shop", async (run) => [
      await verifyIn(run, shop.tenantId, [last, last]),
      await verifyIn(run, shop.tenantId, [before, last]),
      await verifyIn(run, shop.tenantId, [last, before]),
    ]);

    const another = `Seal ${last.number} is another than the one that is known outside of the tenant.`;
    expect(found.map(({ broken }) => broken)).toEqual([null, another, another]);
  });

  it("holds the seals against as many as a long log tells of", async () => {
    const witnesses = Array.from({ length: 150_000 }, (_, n) => ({ number: n + 1, mac: "00" }));
    const empty: Sql = async (text) =>
      text.includes("as loose")
        ? [{ events: 0, unsealed: 0, old: 0, age: 0, stray: null, lost: null, loose: null }]
        : [];

    const { broken } = await verifyIn(empty, shop.tenantId, witnesses);

    expect(broken).toContain("cut after its beginning: seals 1 to 150000 are missing");
  });

  it("reads no list anew for each row, nor does pruning", async () => {
    const key = new SealKey(await loadKey({ dataDir: FOLDER }), shop.tenantId);
    const anew = await ownerInHome(gateway, "shop", async (run) => {
      await run("begin");
      try {
        return [
          await readAnew(run, (own) => verifyIn(own, shop.tenantId)),
          await readAnew(run, (own) => pruneAudit(own as never, shop.tenantId, key, new Date(Date.now() + 60_000))),
        ];
      } finally {
        await run("rollback");
      }
    });

    expect(anew).toEqual([[], []]);
  });

  it("takes no event that only an older version could have written for the erasure of a person", async () => {
    await ownerInHome(gateway, "shop", async (run) => {
      const broken = await tampered(run, async () => {
        await run(
          `insert into audit_events select (jsonb_populate_record(e, jsonb_build_object('id', gen_random_uuid(), 'action', 'user.erased',
             'path', null, 'changes', null, 'commitment', null))).* from audit_events e where tenant_id = $1 and commitment is not null`,
          [shop.tenantId],
        );
        await run("delete from audit_values where tenant_id = $1", [shop.tenantId]);
      });

      expect(broken).toContain("is missing, and the person was not erased.");
    });
  });

  it("does not take another tenant's audit for this one's", async () => {
    const theirs = await ownerInHome(gateway, "rival", (run) =>
      Promise.all(
        ["audit_events", "audit_values", "audit_seals"].map(async (table) => ({
          table,
          rows: (
            await run(`select to_jsonb(t) - 'tenant_id' as row from ${table} t where tenant_id = $1`, [rival.tenantId])
          ).map(({ row }) => row),
        })),
      ),
    );
    const broken = await ownerInHome(gateway, "shop", (run) =>
      tampered(run, async () => {
        for (const { table, rows } of theirs) {
          await run(`delete from ${table} where tenant_id = $1`, [shop.tenantId]);
          await run(
            `insert into ${table} select (jsonb_populate_record(null::${table}, r || jsonb_build_object('tenant_id', $1::text))).*
             from jsonb_array_elements($2::text::jsonb) r`,
            [shop.tenantId, JSON.stringify(rows)],
          );
        }
      }),
    );

    expect(broken).toContain("Seal 1 is not what was written");
  });

  it("tells a wrong key from a forged seal", async () => {
    const { broken } = await ownerInHome(gateway, "shop", (run) => verifyIn(run, shop.tenantId, [], randomBytes(32)));

    expect(broken).toContain("Seal 1 was made with another TENANTRY_KEY");
  });

  it.each([
    ["of a change", "commitment", "target_id"],
    ["of where somebody was", "origin", "actor_id"],
  ])(
    "misses values %s that stand apart, unless the audit says that the person was erased",
    async (_what, by, whose) => {
      await ownerInHome(gateway, "shop", async (run) => {
        const [value] = await run(
          `select e.id, v.subject_id, v.commitment from audit_values v
         join audit_events e on e.tenant_id = v.tenant_id and e.${by} = v.commitment and e.${whose} = v.subject_id
         where v.tenant_id = $1 limit 1`,
          [shop.tenantId],
        );
        const remove = () =>
          run("delete from audit_values where tenant_id = $1 and commitment = $2", [shop.tenantId, value!.commitment]);

        const silently = await tampered(run, remove);
        const openly = await tampered(run, async () => {
          await remove();
          const id = newId();
          await run("insert into audit_unsealed values ($1, $2)", [shop.tenantId, id]);
          await run(
            `insert into audit_events (tenant_id, id, at, action, actor_type, organization_id, path, target_type, target_id, request_id)
           values ($1, $2, clock_timestamp(), 'user.erased', 'OPERATOR', $3, '{}', 'User', $4, 'r')`,
            [shop.tenantId, id, shop.organizations.top, value!.subject_id],
          );
        });

        expect(silently).toContain(`What the event ${value!.id} of seal`);
        expect(openly).toBeNull();
      });
    },
  );
});

describe("pruneAudit", () => {
  it("removes whole seals behind a signed checkpoint, after which the audit goes on", async () => {
    const key = new SealKey(await loadKey({ dataDir: FOLDER }), shop.tenantId);
    const [third] = await sql("select sealed_at::text as at from audit_seals where number = 3");
    const [all] = await sql("select count(*)::int as count from audit_events");

    const pruned = await ownerInHome(gateway, "shop", (run) =>
      pruneAudit(run as never, shop.tenantId, key, new Date(String(third!.at))),
    );

    expect(pruned).toEqual({ checkpoint: 2, events: 4 });
    expect((await sealsOf(sql)).slice(0, 2)).toMatchObject([{ number: 2, events: [] }, { number: 3 }]);
    expect(await verify()).toMatchObject({ events: Number(all!.count) - 4, checkpoint: 2, broken: null });
    await createBelow(shop, "afterwards");
    await sealNow(gateway, "shop");
    expect(await verify()).toMatchObject({ unsealed: 0, broken: null });
  });

  it.each([
    [
      "is forged",
      "update audit_seals set checkpoint = mac where tenant_id = $1 and number = 2",
      "Seal 2 is not what was written: its checkpoint is forged.",
    ],
    [
      "has another seal",
      "update audit_seals set mac = checkpoint where tenant_id = $1 and number = 2",
      "Seal 2 is not what was written",
    ],
    ["is removed", "delete from audit_seals where tenant_id = $1 and number = 2", "Seals 1 to 2 are missing."],
    [
      "is a copy further on",
      "update audit_seals set checkpoint = (select checkpoint from audit_seals where tenant_id = $1 and number = 2) where tenant_id = $1 and number = 3",
      "Seal 3 is not what was written",
    ],
  ])("leaves a checkpoint that is found out when it %s", async (_how, text, place) => {
    await ownerInHome(gateway, "shop", async (run) => {
      expect(await tampered(run, () => run(text, [shop.tenantId]))).toContain(place);
    });
  });
});
