import { createHmac, timingSafeEqual } from "node:crypto";
import { BadInputError } from "./errors.js";

// 96 bits: a cursor only ever leads to where its holder may look anyway.
const MAC_BYTES = 12;

/**
 * Places in a list, given to the caller to come back to. Each is bound to one tenant, one list and one order, and is
 * authenticated, so that it is of no use anywhere else and says nothing that its maker did not write.
 */
export class Cursors {
  constructor(private readonly key: Buffer) {}

  /** @param list what the cursor is bound to: tenant, connection, parent, order */
  write(list: string, place: readonly string[]): string {
    const body = Buffer.from(JSON.stringify(place));
    return Buffer.concat([this.#mac(list, body), body]).toString("base64url");
  }

  /**
   * @param field where it stood, for the message: `after`
   * @throws BadInputError when it was not made for this list, or by this installation
   */
  read(list: string, cursor: string, field: string): string[] {
    const bytes = cursor.length <= 4096 ? Buffer.from(cursor, "base64url") : Buffer.alloc(0);
    const [mac, body] = [bytes.subarray(0, MAC_BYTES), bytes.subarray(MAC_BYTES)];
    if (
      mac.length < MAC_BYTES ||
      bytes.toString("base64url") !== cursor ||
      !timingSafeEqual(mac, this.#mac(list, body))
    ) {
      throw new BadInputError(
        `\`${field}\` is not a cursor of this list. Take it from the list's own edges or pageInfo.`,
        field,
      );
    }
    return JSON.parse(body.toString());
  }

  #mac(list: string, body: Buffer): Buffer {
    return createHmac("sha256", this.key).update(list).update("\0").update(body).digest().subarray(0, MAC_BYTES);
  }
}
