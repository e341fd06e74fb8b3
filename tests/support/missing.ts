import { encodeId, type IdType } from "../../src/graphql/nodeId.js";
import { newId } from "../../src/ids.js";

/** The id of something that never was, which looks as if it could have been. */
export const missingId = (type: IdType): string => encodeId(type, newId());
