// node-oidc-provider as `bench compare` measures it: state in Redis through its adapter interface, dynamic client registration,
// rotation of refresh tokens, resource indicators with opaque access tokens (its default, which signs nothing). A user is signed in
// and allows everything without a page. Arguments: the port and the URL of Redis.
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { Provider } from 'oidc-provider';

const [port, redisUrl] = process.argv.slice(2);
const redis = new Redis(redisUrl, { keyPrefix: 'oidc:' });
const SCOPE = 'mcp';

/** Records that a grant owns, and that end with it. */
const OWNED = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);
/** Records that are used once: a hash, so that the mark needs no read. */
const CONSUMED = new Set(['AuthorizationCode', 'RefreshToken']);

/** The adapter on Redis, with the commands of the example in the project's repository: one batch for each write. */
class RedisAdapter {
  constructor(model) {
    this.model = model;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, expiresIn) {
    const key = this.key(id);
    const value = JSON.stringify(payload);
    const batch = redis.multi();
    if (CONSUMED.has(this.model)) {
      batch.hset(key, { payload: value });
    } else {
      batch.set(key, value);
    }
    if (expiresIn) {
      batch.expire(key, expiresIn);
    }
    if (OWNED.has(this.model) && payload.grantId) {
      const grant = `grant:${payload.grantId}`;
      batch.rpush(grant, key);
      // The list lives as long as the longest of its records; without a read, so no shorter than this one.
      if (expiresIn) {
        batch.expire(grant, expiresIn, 'GT');
        batch.expire(grant, expiresIn, 'NX');
      }
    }
    if (payload.uid) {
      batch.set(`uid:${payload.uid}`, id);
      if (expiresIn) {
        batch.expire(`uid:${payload.uid}`, expiresIn);
      }
    }
    await batch.exec();
  }

  async find(id) {
    if (!CONSUMED.has(this.model)) {
      const value = await redis.get(this.key(id));
      return value ? JSON.parse(value) : undefined;
    }
    const { payload, ...rest } = await redis.hgetall(this.key(id));
    return payload ? { ...rest, ...JSON.parse(payload) } : undefined;
  }

  async findByUid(uid) {
    const id = await redis.get(`uid:${uid}`);
    return id ? this.find(id) : undefined;
  }

  async findByUserCode() {
    return undefined;
  }

  async destroy(id) {
    await redis.del(this.key(id));
  }

  async consume(id) {
    await redis.hset(this.key(id), 'consumed', Math.floor(Date.now() / 1000));
  }

  async revokeByGrantId(grantId) {
    const list = `grant:${grantId}`;
    const owned = await redis.lrange(list, 0, -1);
    await redis.del(list, ...owned);
  }
}

const provider = new Provider(`http://localhost:${port}`, {
  adapter: RedisAdapter,
  cookies: { keys: ['a key for the signatures of cookies'] },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: SCOPE, accessTokenFormat: 'opaque' }),
      useGrantedResource: () => true,
    },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: 86400, Interaction: 600, RefreshToken: 86400, Session: 86400 },
});

/** Signs the user in, then allows what the client asks for. */
async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    return provider.interactionFinished(request, response, { login: { accountId: 'ada' } });
  }
  const known = grantId && (await provider.Grant.find(grantId));
  const grant = known || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  const consent = { grantId: await grant.save() };
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true });
}

const answer = provider.callback();
createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) {
    return answer(request, response);
  }
  return interact(request, response).catch((fault) => {
    console.error(fault);
    response.writeHead(500).end();
  });
}).listen(Number(port), '127.0.0.1');
