import { type Resource, Vestibule } from './vestibule.ts';
import { accessToken, altered } from './tokens.ts';

/** A resource that gets JWTs, and tokens that it has to accept or to refuse. */
export interface Format {
  id: string;
  resource: string;
  algorithm: string;
  type: string;
  good: string;
  bad: Record<'other' | 'expired' | 'altered' | 'paseto', string>;
}

const jwt = (id: string, algorithm: string, type: string): Resource => ({
  id,
  identifier: `https://${id}.example.com/mcp`,
  lines: ['token = "jwt"', `jwt_algorithm = "${algorithm}"`, `jwt_type = "${type}"`],
});

/** Starts a Vestibule with a resource for each format, and asks for the tokens of each. `hash` is that of their secret. */
export async function everyFormat(hash: string): Promise<[Vestibule, Format[]]> {
  const kinds = [
    { algorithm: 'RS256', type: 'at+jwt' },
    { algorithm: 'RS256', type: 'JWT' },
    { algorithm: 'ES256', type: 'at+jwt' },
    { algorithm: 'EdDSA', type: 'at+jwt' },
  ].map((kind) => ({ ...kind, id: `${kind.algorithm}-${kind.type}`.toLowerCase().replace('+', '-') }));
  const secret = `introspection_secret_hash = "${hash}"`;
  const own = kinds.map(({ id, algorithm, type }) => jwt(id, algorithm, type));
  const others = kinds.map(({ id, algorithm, type }) => jwt(`other-${id}`, algorithm, type));
  const paseto = { id: 'paseto', identifier: 'https://paseto.example.com/mcp' };
  for (const resource of own) resource.lines!.push(secret);
  // These tokens have expired when the tests use them.
  const vestibule = await Vestibule.start([...own, ...others, paseto], { VESTIBULE_ACCESS_TOKEN_LIFETIME: '1s' });
  const ask = async (resource: Resource) => accessToken(vestibule, await vestibule.person(), resource.identifier);
  const expired = await Promise.all(own.map(ask));
  await vestibule.end();
  await vestibule.launch();
  const [good, other, pasetoToken] = [await Promise.all(own.map(ask)), await Promise.all(others.map(ask)), await ask(paseto)];
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const formats = kinds.map(({ id, algorithm, type }, index) => ({
    id,
    resource: own[index]!.identifier,
    algorithm,
    type,
    good: good[index]!,
    bad: { other: other[index]!, expired: expired[index]!, altered: altered(good[index]!), paseto: pasetoToken },
  }));
  return [vestibule, formats];
}
