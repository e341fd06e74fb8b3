/** What settings call the database of DATABASE_URL, in which the directory is. */
export const MAIN = "main";
