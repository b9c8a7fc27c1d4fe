// Fills a data folder and a Redis with a release of Vestibule, through its pages, endpoints and command line, and packs each as a
// fixture: `node scripts/stored-fixture.mjs BINARY FOLDER`. The release reads its site from `site` beside the binary.
//
// The clock of both processes is set to 2100, so that records have not expired when a test opens the fixture.
import { execFileSync, spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [BINARY, OUT] = process.argv.slice(2).map((path) => resolve(path));
if (!OUT) throw new Error('usage: scripts/stored-fixture.mjs BINARY FOLDER');
const HERE = dirname(fileURLToPath(import.meta.url));
const WORK = mkdtempSync(join(tmpdir(), 'stored-fixture-'));
const PORT = 18450;
const REDIS_PORT = 18451;
const WEB_PORT = 18452;
const ISSUER = `http://localhost:${PORT}`;
const RESOURCE = `${ISSUER}/mcp`;
const REDIRECT = 'http://127.0.0.1:9999/callback';
const WEB = `https://localhost:${WEB_PORT}`;
const SEALING_KEY = 'k4.local.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc';
const OFFSET = 4_102_444_800 - Math.floor(Date.now() / 1000);

/** A key pair in the format of the tests: the private scalar, and the uncompressed point, in base64url. */
function keys(pair) {
  const { d, x, y } = pair.privateKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return { private_key: d, public_key: base64url(point) };
}

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();
const now = () => Math.floor(Date.now() / 1000) + OFFSET;

function check(condition, what) {
  if (!condition) throw new Error(typeof what === 'string' ? what : JSON.stringify(what));
}

/** The server's process and its command line. */
class Server {
  constructor(store) {
    this.environment = {
      PATH: process.env.PATH,
      HOME: WORK,
      LD_PRELOAD: join(WORK, 'clock.so'),
      FIXTURE_OFFSET: String(OFFSET),
      SSL_CERT_FILE: join(WORK, 'certificate.pem'),
      VESTIBULE_ISSUER: ISSUER,
      VESTIBULE_LISTEN: `localhost:${PORT}`,
      VESTIBULE_SIGN_UP: 'open',
      VESTIBULE_STORE: store,
      VESTIBULE_SEALING_KEY: SEALING_KEY,
    };
    this.output = '';
  }

  async start() {
    this.child = spawn(BINARY, ['serve'], { env: this.environment, cwd: WORK });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (chunk) => (this.output += chunk));
    for (let tries = 0; tries < 200; tries += 1) {
      check(this.child.exitCode === null, this.output);
      if ((await fetch(`${ISSUER}/health/ready`).catch(() => undefined))?.ok) return;
      await sleep(50);
    }
    throw new Error(`not ready: ${this.output}`);
  }

  command(parameters, input = '') {
    return execFileSync(BINARY, parameters, { env: this.environment, cwd: WORK, input, stdio: ['pipe', 'pipe', 'pipe'] }).toString();
  }

  json(parameters, input = '') {
    return JSON.parse(this.command([...parameters, '--json'], input));
  }

  async stop() {
    const gone = new Promise((done) => this.child.on('exit', done));
    this.child.kill('SIGTERM');
    await gone;
  }
}

/** A browser without script. */
class Browser {
  cookies = new Map();

  async send(path, options = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { origin: ISSUER, accept: 'text/html', 'user-agent': AGENT, cookie, ...options.headers };
    const url = path.startsWith('http') ? path : ISSUER + path;
    const response = await fetch(url, { redirect: 'manual', ...options, headers });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
      if (value) this.cookies.set(name, value);
      else this.cookies.delete(name);
    }
    return { status: response.status, to: response.headers.get('location'), text: await response.text() };
  }

  open(path) {
    return this.send(path);
  }

  async token(path) {
    const page = await this.open(path);
    const [, token] = page.text.match(/name="form_token" value="([^"]+)"/) ?? [];
    check(token, `no form on ${path}: ${page.status} ${page.to} ${page.text.slice(0, 300)}`);
    return token;
  }

  async submit(page, action, fields = {}) {
    const body = new URLSearchParams({ form_token: await this.token(page), ...fields });
    const answer = await this.send(`/actions/${action}`, { method: 'POST', body, headers: { referer: ISSUER + page } });
    check(answer.to, `${action}: ${answer.status} ${answer.text.slice(0, 300)}`);
    return answer;
  }

  async script(page, action, fields = {}) {
    const body = JSON.stringify({ form_token: await this.token(page), ...fields });
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const answer = await this.send(`/actions/${action}`, { method: 'POST', body, headers });
    check(answer.status === 200, `${action}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text);
  }

  async signIn(email, password, request = '') {
    const page = request ? `/login?request=${request}` : '/login';
    const answer = await this.submit(page, 'sign_in', { email, password, request, then: '' });
    if (answer.to.startsWith('/passkey')) {
      await this.submit(answer.to, 'decline_passkey', { request });
    }
    check(!answer.to.startsWith('/login'), `no sign-in of ${email}: ${answer.to}`);
    return this;
  }
}

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** A passkey made of software, with the CBOR that a registration needs (WebAuthn sections 6.1 and 6.5). */
class Passkey {
  constructor() {
    this.pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.id = randomBytes(16);
    this.counter = 0;
  }

  create({ publicKey }) {
    this.user = publicKey.user.id;
    const { x, y } = this.pair.publicKey.export({ format: 'jwk' });
    const cose = Buffer.concat([
      Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32]),
      Buffer.from(x, 'base64url'),
      Buffer.from([0x22, 0x58, 32]),
      Buffer.from(y, 'base64url'),
    ]);
    const data = Buffer.concat([this.#data(0x45), Buffer.alloc(16), Buffer.from([0, 16]), this.id, cose]);
    const text = (word) => Buffer.concat([Buffer.from([0x60 + word.length]), Buffer.from(word)]);
    const object = Buffer.concat([
      Buffer.from([0xa3]), text('fmt'), text('none'), text('attStmt'), Buffer.from([0xa0]), text('authData'),
      Buffer.from([0x58, data.length]), data,
    ]);
    const client = this.#client('webauthn.create', publicKey.challenge);
    return this.#credential({ attestationObject: base64url(object), clientDataJSON: base64url(client) });
  }

  get({ publicKey }) {
    this.counter += 1;
    const client = this.#client('webauthn.get', publicKey.challenge);
    const data = this.#data(0x05);
    const signature = sign('sha256', Buffer.concat([data, sha256(client)]), this.pair.privateKey);
    const response = { authenticatorData: base64url(data), clientDataJSON: base64url(client), signature: base64url(signature) };
    return this.#credential({ ...response, userHandle: this.user });
  }

  told() {
    return { id: base64url(this.id), ...keys(this.pair), user: this.user, counter: this.counter };
  }

  #data(flags) {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(this.counter);
    return Buffer.concat([sha256('localhost'), Buffer.from([flags]), counter]);
  }

  #client(type, challenge) {
    return Buffer.from(JSON.stringify({ type, challenge, origin: ISSUER, crossOrigin: false }));
  }

  #credential(response) {
    const id = base64url(this.id);
    return JSON.stringify({ id, rawId: id, type: 'public-key', extensions: {}, response });
  }
}

/** A client, by what it sends to prove itself. */
class Client {
  constructor(id, { secret, signer, redirect = REDIRECT } = {}) {
    Object.assign(this, { id, secret, signer, redirect });
  }

  proof() {
    if (this.secret) return { client_secret: this.secret };
    if (!this.signer) return {};
    const claims = { iss: this.id, sub: this.id, aud: ISSUER, iat: now(), exp: now() + 60, jti: base64url(randomBytes(9)) };
    const signed = [{ alg: 'ES256', kid: 'one', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
    const signature = sign('sha256', Buffer.from(signed), { key: this.signer, dsaEncoding: 'ieee-p1363' });
    return {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: `${signed}.${base64url(signature)}`,
    };
  }

  authorize(changes = {}) {
    this.verifier = base64url(randomBytes(32));
    return `${ISSUER}/authorize?${new URLSearchParams({
      response_type: 'code',
      client_id: this.id,
      redirect_uri: this.redirect,
      code_challenge: base64url(sha256(this.verifier)),
      code_challenge_method: 'S256',
      state: 'a-state',
      scope: 'notes:read notes:write',
      resource: RESOURCE,
      ...changes,
    })}`;
  }

  async post(path, fields) {
    const body = new URLSearchParams({ client_id: this.id, ...this.proof(), ...fields });
    const response = await fetch(ISSUER + path, { method: 'POST', body });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : {} };
  }

  /** A code, as a signed-in person who allows it. */
  async code(browser, changes = {}) {
    let answer = await browser.open(this.authorize(changes));
    if (answer.to?.startsWith('/consent')) {
      const request = new URL(answer.to, ISSUER).searchParams.get('request');
      answer = await browser.submit(answer.to, 'consent', { request, decision: 'allow' });
    }
    const code = answer.to && new URL(answer.to, ISSUER).searchParams.get('code');
    check(code, `no code: ${answer.status} ${answer.to} ${answer.text.slice(0, 500)}`);
    return code;
  }

  redeem(code) {
    const fields = { grant_type: 'authorization_code', code, redirect_uri: this.redirect, code_verifier: this.verifier };
    return this.post('/token', { ...fields, resource: RESOURCE });
  }

  async connect(browser, changes = {}) {
    const { status, body } = await this.redeem(await this.code(browser, changes));
    check(status === 200, body);
    return body.refresh_token;
  }

  async refresh(token) {
    const { status, body } = await this.post('/token', { grant_type: 'refresh_token', refresh_token: token, resource: RESOURCE });
    check(status === 200, body);
    return body.refresh_token;
  }
}

async function register(name, more = {}) {
  const metadata = {
    client_name: name, redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'], ...more,
  };
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${ISSUER}/register`, { method: 'POST', headers, body: JSON.stringify(metadata) });
  return { status: answer.status, body: await answer.json() };
}

async function fill(server) {
  const fixture = { issuer: ISSUER, resource: RESOURCE, redirect_uri: REDIRECT, accounts: {}, clients: {}, grants: {} };
  const password = (name) => `the long password of ${name}`;
  const email = (name) => `${name}@example.com`;
  const account = (name, more = {}) => (fixture.accounts[name] = { email: email(name), password: password(name), ...more });

  // The first account, with everything that an account can have.
  const [, setup] = server.output.match(/\/setup\/([A-Za-z0-9_-]+)/);
  const ada = new Browser();
  await ada.submit(`/setup/${setup}`, 'accept_invitation', { token: setup, email: email('ada'), password: password('ada'), request: '' });
  const passkey = new Passkey();
  let ceremony = await ada.script('/account', 'start_adding_passkey');
  await ada.script('/account', 'finish_adding_passkey', { ceremony: ceremony.id, credential: passkey.create(JSON.parse(ceremony.options)), request: '' });
  await ada.submit('/account', 'make_recovery_codes');
  const codes = [...(await ada.open('/account/codes')).text.matchAll(/<code>([^<]+)<\/code>/g)].map((found) => found[1]);
  check(codes.length === 10, codes);
  const recovered = await new Browser().submit('/recover', 'recover', { email: email('ada'), code: codes[0], request: '' });
  check(!recovered.to.startsWith('/recover'), recovered.to);
  const withPasskey = new Browser();
  ceremony = await withPasskey.script('/login', 'start_passkey_sign_in', { autofill: false });
  const credential = passkey.get(JSON.parse(ceremony.options));
  await withPasskey.script('/login', 'finish_passkey_sign_in', { ceremony: ceremony.id, credential, request: '', then: '' });
  account('ada', { role: 'administrator', passkey: passkey.told(), recovery_codes: codes.slice(1) });

  // Other accounts in their states.
  const add = (name) => server.json(['account', 'add', email(name), '--password-stdin'], `${password(name)}\n`);
  for (const name of ['bob', 'erin', 'frank', 'gina']) {
    add(name);
    account(name);
  }
  const carol = server.json(['account', 'add', email('carol')]);
  account('carol', { password: null, waits_for_person: true, link: carol.enrolment_link });
  const dave = server.json(['account', 'add', email('dave'), '--role', 'administrator']);
  const enrol = new URL(dave.enrolment_link).pathname;
  await new Browser().submit(enrol, 'accept_invitation', { token: enrol.split('/')[2], email: email('dave'), password: password('dave'), request: '' });
  account('dave', { role: 'administrator' });
  server.json(['account', 'disable', email('erin')]);
  fixture.accounts.erin.disabled = true;
  fixture.accounts.frank.link = server.json(['account', 'reset', email('frank')]).link;
  server.json(['account', 'email', email('gina'), 'regina@example.com']);
  fixture.accounts.gina.email = 'regina@example.com';
  await new Browser().submit('/sign-up', 'accept_invitation', { token: '', email: email('hedy'), password: password('hedy'), request: '' });
  account('hedy');

  // Clients of every kind.
  const notes = await register('Notes', { client_uri: 'https://notes.example', logo_uri: 'https://notes.example/logo.png', software_id: 'notes' });
  check(notes.status === 201, notes);
  const unused = await register('Unused');
  const web = await register('Web', { token_endpoint_auth_method: 'client_secret_post', redirect_uris: ['https://web.example/callback'] });
  check(web.status === 201, web);
  const desk = server.json(['client', 'add', '--name', 'Desk', '--redirect-uri', REDIRECT, '--confidential']);
  const signer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...signer.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' };
  writeFileSync(join(WORK, 'jwks.json'), JSON.stringify({ keys: [jwk] }));
  const site = await publish({
    '/jwks.json': { keys: [jwk] },
    '/client.json': { client_id: `${WEB}/client.json`, client_name: 'Document', client_uri: WEB, redirect_uris: [REDIRECT] },
    '/idle.json': { client_id: `${WEB}/idle.json`, client_name: 'Idle document', redirect_uris: [REDIRECT] },
  });
  const addClient = (name, ...more) => server.json(['client', 'add', '--name', name, '--redirect-uri', REDIRECT, ...more]);
  const signing = addClient('Signing', '--id', 'signing', '--jwks', join(WORK, 'jwks.json'));
  const remote = addClient('Remote keys', '--id', 'remote', '--jwks', `${WEB}/jwks.json`);
  const removed = addClient('Removed', '--id', 'removed');
  const restarted = addClient('Restarted', '--id', 'restarted');
  const clients = {
    notes: new Client(notes.body.client_id),
    web: new Client(web.body.client_id, { secret: web.body.client_secret, redirect: 'https://web.example/callback' }),
    desk: new Client(desk.id ?? desk.client_id, { secret: desk.secret ?? desk.client_secret }),
    document: new Client(`${WEB}/client.json`),
    idle: new Client(`${WEB}/idle.json`),
    signing: new Client(signing.id ?? 'signing', { signer: signer.privateKey }),
    remote: new Client(remote.id ?? 'remote', { signer: signer.privateKey }),
    removed: new Client(removed.id ?? 'removed'),
    restarted: new Client(restarted.id ?? 'restarted'),
    unused: new Client(unused.body.client_id),
  };
  for (const [name, client] of Object.entries(clients)) {
    fixture.clients[name] = { id: client.id, redirect_uri: client.redirect };
    if (client.secret) fixture.clients[name].secret = client.secret;
  }
  fixture.clients.notes.registration_access_token = notes.body.registration_access_token;
  for (const name of ['signing', 'remote']) Object.assign(fixture.clients[name], keys(signer));

  // Grants in every state.
  const bob = await new Browser().signIn(email('bob'), password('bob'));
  const grant = (name, client, person, more) => (fixture.grants[name] = { client, account: person, ...more });
  const first = await clients.notes.connect(ada);
  grant('rotated', 'notes', 'ada', { refresh_token: await clients.notes.refresh(first) });
  grant('web', 'web', 'ada', { refresh_token: await clients.web.connect(ada) });
  grant('secret', 'desk', 'ada', { refresh_token: await clients.desk.connect(ada, { scope: 'notes:read' }) });
  grant('document', 'document', 'bob', { refresh_token: await clients.document.connect(bob) });
  grant('assertion', 'signing', 'bob', { refresh_token: await clients.signing.connect(bob) });
  grant('remote', 'remote', 'bob', { refresh_token: await clients.remote.connect(bob) });
  const ended = await clients.desk.connect(bob);
  check((await clients.desk.post('/revoke', { token: ended })).status === 200, 'revoked');
  grant('revoked', 'desk', 'bob', { refresh_token: ended, ended: true });
  const spent = await clients.notes.code(bob);
  const redeemed = await clients.notes.redeem(spent);
  check(redeemed.status === 200, redeemed);
  check((await clients.notes.redeem(spent)).status === 400, 'a code counts once');
  grant('replayed', 'notes', 'bob', { refresh_token: redeemed.body.refresh_token, ended: true });
  for (const name of ['removed', 'restarted']) {
    grant(name, name, 'ada', { refresh_token: await clients[name].connect(ada), ended: true });
  }
  server.command(['client', 'remove', 'removed']);
  server.command(['client', 'disconnect', 'restarted']);
  const withdrawn = await clients.restarted.connect(bob);
  grant('withdrawn', 'restarted', 'bob', { refresh_token: withdrawn, ended: true });
  const shown = (await bob.open('/account')).text;
  const row = shown.split('<li').find((part) => part.includes('Restarted') && part.includes('/actions/disconnect"'));
  const form = row?.split('<form').find((part) => part.includes('action="/actions/disconnect"')) ?? '';
  const values = [...form.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map((found) => [found[1], found[2]]);
  check(values.length > 1, 'the connection of Restarted');
  const gone = await bob.submit('/account', 'disconnect', Object.fromEntries(values));
  check(gone.to.startsWith('/account'), gone.to);

  // Pending requests.
  const hedy = await new Browser().signIn(email('hedy'), password('hedy'));
  fixture.offered = { client: 'notes', account: 'hedy', code: await clients.notes.code(hedy), code_verifier: clients.notes.verifier };
  const browser = new Browser();
  const begun = await browser.open(clients.notes.authorize());
  check(begun.to?.startsWith('/login'), begun);
  const pending = new URL(begun.to, ISSUER).searchParams.get('request');
  const { verifier } = clients.notes;
  const reauth = await hedy.open(clients.notes.authorize({ prompt: 'login' }));
  check(reauth.to, reauth);
  fixture.pending = { request: pending, cookies: Object.fromEntries(browser.cookies), code_verifier: verifier };
  const asked = await hedy.open(clients.desk.authorize());
  const denied = new URL(asked.to, ISSUER).searchParams.get('request');
  await hedy.submit(asked.to, 'consent', { request: denied, decision: 'deny' });
  await browser.open(clients.idle.authorize());
  // Started ceremonies, one for each purpose.
  await new Browser().script('/login', 'start_passkey_sign_in', { autofill: false });
  await ada.script('/account', 'start_adding_passkey');
  const link = new URL(fixture.accounts.carol.link).pathname;
  await new Browser().script(link, 'start_accept_with_passkey', { token: link.split('/')[2], email: '' });
  fixture.session = { account: 'hedy', cookies: Object.fromEntries(hedy.cookies) };

  // Failures, limits, and operations of administrators.
  for (let guess = 0; guess < 3; guess += 1) {
    await new Browser().submit('/login', 'sign_in', { email: email('bob'), password: 'a wrong guess', request: '', then: '' });
  }
  await new Browser().submit('/login', 'sign_in', { email: 'nobody@example.com', password: 'a wrong guess', request: '', then: '' });
  await browser.open(clients.notes.authorize({ redirect_uri: 'https://elsewhere.example/' }));
  await browser.open(clients.notes.authorize({ scope: 'notes:burn', code_challenge_method: 'plain' }));
  await browser.open(clients.desk.authorize({ client_id: 'unheard-of' }));
  await clients.notes.redeem('vst_code_nonsense');
  await clients.desk.post('/token', { grant_type: 'refresh_token', refresh_token: 'nonsense' });
  await new Client(clients.desk.id, { secret: 'wrong' }).post('/token', { grant_type: 'refresh_token', refresh_token: 'nonsense' });
  await clients.web.post('/introspect', { token: 'nonsense' });
  await register('Bad', { redirect_uris: ['ftp://bad.example/'] });
  await register('Worse', { redirect_uris: [] });
  server.command(['client', 'block', 'blocked.example']);
  server.command(['client', 'block', 'other.example']);
  server.command(['client', 'unblock', 'other.example']);
  server.command(['key', 'rotate']);
  await sleep(12_000);
  fixture.at = now();
  site.close();
  return fixture;
}

function publish(pages) {
  const server = createServer({ key: readFile('key.pem'), cert: readFile('certificate.pem') }, (request, response) => {
    const page = pages[request.url];
    response.writeHead(page ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(page ?? {}));
  });
  return new Promise((done) => server.listen(WEB_PORT, () => done(server)));
}

const readFile = (name) => execFileSync('cat', [join(WORK, name)]);

execFileSync('cc', ['-shared', '-fPIC', '-o', join(WORK, 'clock.so'), join(HERE, 'stored-fixture.c'), '-ldl']);
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE'];
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '40000'];
execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', join(WORK, 'key.pem'), '-out', join(WORK, 'certificate.pem')], { stdio: 'pipe' });
mkdirSync(OUT, { recursive: true });
const tar = (name, folder, ...files) => execFileSync('tar', ['czf', join(OUT, name), '-C', folder, ...files]);

/** Fills a server, stops it, and notes what a test has to know. */
async function record(name, server) {
  const fixture = await fill(server);
  await server.stop();
  fixture.audit_events = server.json(['audit', 'verify']).events;
  writeFileSync(join(OUT, name), `${JSON.stringify(fixture, null, 2)}\n`);
}

const file = new Server(`file:${join(WORK, 'data')}`);
await file.start();
await record('file.json', file);
tar('file.tar.gz', join(WORK, 'data'), 'store.redb');

const arguments_ = ['--port', `${REDIS_PORT}`, '--bind', '127.0.0.1', '--dir', WORK, '--save', '', '--appendonly', 'no', '--dbfilename', 'dump.rdb'];
const redis = spawn('redis-server', arguments_, { env: { ...file.environment }, stdio: 'ignore' });
await sleep(1000);
const shared = new Server(`redis://127.0.0.1:${REDIS_PORT}`);
await shared.start();
await record('redis.json', shared);
execFileSync('redis-cli', ['-p', `${REDIS_PORT}`, 'save'], { stdio: 'pipe' });
redis.kill('SIGKILL');
tar('redis.tar.gz', WORK, 'dump.rdb');
rmSync(WORK, { recursive: true });
