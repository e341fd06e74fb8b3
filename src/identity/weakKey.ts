const GENERATOR = 65537;
const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];
const RESIDUES = PRIMES.map((prime) => ({ prime: BigInt(prime), powers: powersModulo(prime) }));

/**
 * Whether a published RSA key is one that others can sign with: the exponent is 1 or even, or the modulus was made by the
 * chips of CVE-2017-15361 (ROCA), whose primes can be found. Keys of other kinds are never weak here, and jose refuses
 * those that are too short.
 */
export function isWeakKey(jwk: Readonly<Record<string, unknown>>): boolean {
  if (jwk.kty !== "RSA") return false;
  if (typeof jwk.n !== "string" || typeof jwk.e !== "string") return true;
  const exponent = toBigInt(jwk.e);
  return exponent < 3n || exponent % 2n === 0n || hasRocaFingerprint(toBigInt(jwk.n));
}

/** Modulo every small prime, such a modulus is a power of 65537. A sound one is with a chance below one in 10^8. */
function hasRocaFingerprint(modulus: bigint): boolean {
  return RESIDUES.every(({ prime, powers }) => powers.has(modulus % prime));
}

function powersModulo(prime: number): Set<bigint> {
  const powers = new Set<bigint>();
  for (let power = 1; !powers.has(BigInt(power)); power = (power * GENERATOR) % prime) powers.add(BigInt(power));
  return powers;
}

function toBigInt(base64url: string): bigint {
  return BigInt(`0x0${Buffer.from(base64url, "base64url").toString("hex")}`);
}
