/** A person with a browser that runs no script: it has cookies, follows redirects and posts forms. */
export class Person {
  readonly #cookies = new Map<string, string>();

  constructor(
    private readonly email: string,
    private readonly password: string,
  ) {}

  /** Signs in if that is asked for, and allows what a client wants. Returns the answer at the address of the client. */
  async allows(authorizationUrl: string | URL): Promise<URLSearchParams> {
    const issuer = new URL(authorizationUrl).origin;
    let page = await this.#open(new URL(authorizationUrl), issuer);
    for (let step = 0; step < 5; step += 1) {
      if (page.answer) return page.answer;
      const name = page.html.match(/<main data-page="([\w-]+)"/)?.[1] ?? '';
      const answers = { login: { email: this.email, password: this.password }, offer: {}, consent: { decision: 'allow' } };
      if (!(name in answers)) throw new Error(`an unexpected page, ${name}:\n${page.html.replace(/<script[^]*?<\/script>/g, '')}`);
      page = await this.#post(page, answers[name as keyof typeof answers], issuer);
    }
    throw new Error('the pages lead nowhere');
  }

  async #post(page: Page, values: Record<string, string>, issuer: string): Promise<Page> {
    const action = { login: 'sign_in', offer: 'decline', consent: 'consent' };
    const forms = [...page.html.matchAll(/<form method="post" action="([^"]+)"[^]*?<\/form>/g)];
    const form = forms.find(([, path]) => Object.values(action).some((part) => path?.includes(part)));
    if (!form) throw new Error(`no form on ${page.url}`);
    const body = new URLSearchParams(values);
    for (const [, name, value] of form[0].matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) body.set(name!, value!);
    return this.#open(new URL(form[1]!, issuer), issuer, { method: 'POST', body, headers: { origin: issuer } });
  }

  async #open(url: URL, issuer: string, request: RequestInit = {}): Promise<Page> {
    if (url.origin !== issuer) return { url, html: '', answer: url.searchParams };
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    const response = await fetch(url, { ...request, redirect: 'manual', headers: { ...request.headers, cookie } });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = set.match(/^([^=]+)=([^;]*)/) ?? [];
      if (name) this.#cookies.set(name, value ?? '');
    }
    const location = response.headers.get('location');
    return location ? this.#open(new URL(location, url), issuer) : { url, html: await response.text(), answer: undefined };
  }
}

interface Page {
  url: URL;
  html: string;
  /** The parameters with which the browser came to the client. */
  answer: URLSearchParams | undefined;
}
