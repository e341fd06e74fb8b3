import { describeAccess } from "../support/access.js";

describeAccess();
