import { refusal } from "./errors.js";

export async function readRequest(request: Request, _limits: { bodyBytes: number }): Promise<{ query: string }> {
  if (request.method === "GET") {
    const params = new URL(request.url).searchParams;
    return { query: params.get("query") ?? "" };
  }
  try {
    return (await request.json()) as { query: string };
  } catch {
    throw refusal("BAD_USER_INPUT", "The body is not JSON.", 400);
  }
}
export const corsHeaders = (_request: Request, _origins: readonly string[]): Record<string, string> => ({});
export const refuseOrigin = (
  _request: Request,
  _origins: readonly string[],
): { status: number; body: string; headers: Record<string, string> } | null => null;
