import type { Page } from '@playwright/test';
import { WEB_HOST } from '../support/browser.ts';
import type { Callback } from '../support/callback.ts';
import { McpClient } from '../support/client.ts';
import { WAYS, openAdminPage, allow, decide, expectPage, press, row, section, signIn, openDetails } from '../support/pages.ts';
import type { User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** A server and an administrator. */
interface AdminSetup {
  server: Server;
  administrator: User;
}

async function open(page: Page, { server, administrator }: AdminSetup): Promise<void> {
  await openAdminPage(page, server, administrator, 'applications');
}

/** Submits the form for a new application. */
async function add(page: Page, name: string, uris: string, confidential: boolean): Promise<void> {
  await openDetails(page.getByRole('main'), 'Add application');
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('textbox', { name: 'Redirect URIs' }).fill(uris);
  await page.getByRole('checkbox', { name: 'Confidential client' }).setChecked(confidential);
  await press(page, 'Add');
}

/** Expects that an authorization request of the application is refused. */
async function expectRefused(page: Page, client: McpClient, callback: Callback): Promise<void> {
  expect((await page.goto(client.authorizationUrl(callback.uri)))?.status()).toBe(400);
  await expectPage(page, 'problem');
  await expect(page.getByRole('heading')).toHaveText("This application isn't allowed on this server.");
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`an added application connects with its secret, which is shown once, ${way}`, async ({ anotherBrowser, server, administrator, user, webCallback }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await open(page, { server, administrator });
    await add(page, 'Payroll', `${webCallback.uri}\nhttps://payroll.example/other`, true);
    await expectPage(page, 'admin-applications');
    await expect(page.getByRole('status')).toContainText('Application added. Copy these values into it.');
    const id = page.getByLabel('Client ID', { exact: true });
    await expect(id).not.toBeEditable();
    const [clientId, secret] = [await id.inputValue(), await page.getByLabel('Client secret').inputValue()];
    await page.reload();
    await expect(page.getByLabel('Client secret')).toHaveCount(0);
    expect(await page.content()).not.toContain(secret);
    await expect(row(page.getByRole('main'), clientId)).toContainText(/Payroll at .* · added manually just now/);

    const client = await McpClient.discover(server.mcp);
    client.clientId = clientId;
    const otherPage = await anotherBrowser();
    await otherPage.goto(client.authorizationUrl(webCallback.uri));
    await signIn(otherPage, user);
    await expect(otherPage.getByText('Added by your administrator.')).toBeVisible();
    await decide(otherPage, 'Allow');
    await expect(otherPage).toHaveURL(/\/callback\?code=/);
    const code = { grant_type: 'authorization_code', code: webCallback.answer.get('code') ?? '', redirect_uri: webCallback.uri };
    expect((await client.token({ ...code, code_verifier: client.verifier })).status).toBe(401);
    expect((await client.token({ ...code, code_verifier: client.verifier, client_secret: secret })).status).toBe(200);
  });

  test(`an application is removed after a confirmation, ${way}`, async ({ anotherBrowser, startServer, callback, complaints }) => {
    complaints.tolerate(/status of 400/);
    const server = await startServer();
    const desk = { server, administrator: await server.administrator() };
    const client = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
    const theirs = await anotherBrowser();
    const tokens = await allow(theirs, client, callback, await server.user());
    const page = await anotherBrowser({ javaScriptEnabled });
    await open(page, desk);
    const application = row(page.getByRole('main'), client.clientId);
    await expect(application).toContainText("Claude Code on the user's computer · registered itself just now");
    await expect(application.getByRole('button')).toBeHidden();
    await openDetails(application, 'Change');
    await expect(application.getByText('Removes the application and disconnects it for everyone.')).toBeVisible();
    await expect(application.getByText(callback.uri)).toBeVisible();
    await press(application, /^Remove Claude Code/);
    await expect(page.getByRole('status')).toHaveText('Application removed and disconnected for everyone.');
    await expect(page.getByText('No applications.')).toBeVisible();

    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_client');
    await theirs.goto(client.authorizationUrl(callback.uri));
    await expect(theirs.getByRole('heading')).toHaveText("This application isn't registered with this server.");
  });

  test(`T-E39 a host is blocked and unblocked in the row of an application, ${way}`, async ({ anotherBrowser, startServer, webCallback, complaints }) => {
    complaints.tolerate(/status of 400/);
    const server = await startServer();
    const desk = { server, administrator: await server.administrator() };
    const client = await McpClient.connect(server.mcp, webCallback.uri, 'Web Client');
    const theirs = await anotherBrowser();
    const tokens = await allow(theirs, client, webCallback, await server.user());
    const page = await anotherBrowser({ javaScriptEnabled });
    await open(page, desk);
    const application = row(page.getByRole('main'), client.clientId);
    await openDetails(application, 'Change');
    await expect(application.getByText(`Refuses every application from ${WEB_HOST} or its subdomains`)).toBeVisible();
    await press(application, `Block ${WEB_HOST}`);

    await expect(page.getByRole('status')).toHaveText(`${WEB_HOST} is blocked.`);
    await expect(application).toContainText('Blocked');
    await expect(row(section(page, 'Blocked hosts'), `${WEB_HOST} · blocked just now`)).toBeVisible();
    await openDetails(application, 'Change');
    await expect(application.getByRole('button', { name: `Block ${WEB_HOST}` })).toHaveCount(0);
    expect((await client.refresh(tokens.refresh_token)).status).toBe(401);
    await expectRefused(theirs, client, webCallback);

    await press(section(page, 'Blocked hosts'), `Unblock ${WEB_HOST}`);
    await expect(page.getByRole('status')).toHaveText(`${WEB_HOST} is no longer blocked.`);
    await expect(application).not.toContainText('Blocked');
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
    await theirs.goto(client.authorizationUrl(webCallback.uri));
    await expect(theirs).toHaveURL(/\/callback\?code=/);
  });

  test(`T-E39 a host is blocked by its name, with all subdomains, ${way}`, async ({ anotherBrowser, startServer, webCallback, complaints }) => {
    complaints.tolerate(/status of 400/);
    const server = await startServer();
    const desk = { server, administrator: await server.administrator() };
    const client = await McpClient.connect(server.mcp, webCallback.uri);
    const page = await anotherBrowser({ javaScriptEnabled });
    await open(page, desk);
    const part = section(page, 'Blocked hosts');
    await expect(part).toContainText('No blocked hosts. Applications from a blocked host');
    await part.getByRole('textbox', { name: 'Host' }).fill('not a host');
    await press(part, 'Block');
    await expect(part.getByRole('alert')).toHaveText(/^Nothing was changed: .*is not a host such as app\.example\.com\.$/);
    await expect(part.getByRole('textbox', { name: 'Host' })).toHaveValue('not a host');
    await part.getByRole('textbox', { name: 'Host' }).fill(' Example ');
    await press(part, 'Block');
    await expect(part.locator('.rows > li')).toHaveText(/^example · blocked just now/);
    await expectRefused(await anotherBrowser(), client, webCallback);
    const another = await client.register({ client_name: 'Another', redirect_uris: [webCallback.uri] });
    expect({ status: another.status, error: another.body.error }).toEqual({ status: 400, error: 'invalid_redirect_uri' });
  });
}

test('"client block" and "client unblock" do the same, and the page shows it', async ({ page, startServer, webCallback, complaints }) => {
  complaints.tolerate(/status of 400/);
  const server = await startServer();
  const desk = { server, administrator: await server.administrator() };
  const client = await McpClient.connect(server.mcp, webCallback.uri);
  expect((await server.command(['client', 'block', WEB_HOST])).code).toBe(0);
  await expectRefused(page, client, webCallback);
  await open(page, desk);
  await expect(section(page, 'Blocked hosts').locator('.rows > li')).toHaveText(new RegExp(`^${WEB_HOST} · blocked just now`));
  expect((await server.command(['client', 'unblock', WEB_HOST])).code).toBe(0);
  expect((await server.command(['client', 'unblock', WEB_HOST])).code).not.toBe(0);
  await page.reload();
  await expect(section(page, 'Blocked hosts')).toContainText('No blocked hosts.');
  await page.goto(client.authorizationUrl(webCallback.uri));
  await expectPage(page, 'consent');
});

test('a public application gets no secret; invalid input is refused and stays in its field', async ({ page, server, administrator, callback }) => {
  await open(page, { server, administrator });
  await add(page, 'Tool', 'http://evil.example/callback', false);
  await expect(page.getByRole('alert')).toHaveText(/^Nothing was changed: /);
  await expect(page.getByRole('textbox', { name: 'Name' })).toHaveValue('Tool');
  await expect(page.getByRole('textbox', { name: 'Redirect URIs' })).toHaveValue('http://evil.example/callback');
  await expect(page.getByRole('checkbox', { name: 'Confidential client' })).not.toBeChecked();

  await page.getByRole('textbox', { name: 'Redirect URIs' }).fill(callback.uri);
  await press(page, 'Add');
  await expect(page.getByLabel('Client ID', { exact: true })).toHaveValue(/^vc_/);
  await expect(page.getByLabel('Client secret')).toHaveCount(0);
});

test('an application with a metadata document is listed by its URL, and its grants end when it is removed', async ({
  page,
  startServer,
  callback,
  publishDocument,
  anotherBrowser,
}) => {
  const document = await publishDocument({ client_name: 'Claude', redirect_uris: [callback.uri], token_endpoint_auth_method: 'none' });
  const server = await startServer({ settings: { SSL_CERT_FILE: document.certificateFile } });
  const desk = { server, administrator: await server.administrator() };
  await open(page, desk);
  await expect(page.getByText('No applications.')).toBeVisible();
  const client = await McpClient.discover(server.mcp);
  client.clientId = document.url;
  const theirs = await anotherBrowser();
  const tokens = await allow(theirs, client, callback, await server.user());
  await page.reload();
  const application = row(page.getByRole('main'), document.url);
  await expect(application).toContainText('Claude at localhost · identified by its web address, first seen just now');
  await openDetails(application, 'Change');
  await press(application, /^Remove Claude/);
  await expect(page.getByText('No applications.')).toBeVisible();
  expect((await client.refresh(tokens.refresh_token)).status).toBe(400);
});

test('applications are found by the beginning of their name', async ({ page, startServer, callback }) => {
  const server = await startServer();
  const desk = { server, administrator: await server.administrator() };
  for (const name of ['Claude Code', 'Claude', 'Payroll']) {
    await server.json(['client', 'add', '--name', name, '--redirect-uri', callback.uri]);
  }
  await open(page, desk);
  const orders = page.getByRole('navigation', { name: 'Sort by' });
  await expect(orders.locator('[aria-current=true]')).toHaveText('Last used');
  await orders.getByRole('link', { name: 'Name', exact: true }).click();
  await expect(orders.locator('[aria-current=true]')).toHaveText('Name');
  const names = page.getByRole('main').locator('.rows > li p:first-child > .strong');
  await expect(names).toHaveText(['Claude', 'Claude Code', 'Payroll']);
  await page.getByRole('searchbox', { name: 'Name starts with' }).fill('claude');
  await press(page, 'Search');
  await expect(names).toHaveText(['Claude', 'Claude Code']);
  await expect(orders).toHaveCount(0);
  await page.getByRole('searchbox', { name: 'Name starts with' }).fill('nothing');
  await press(page, 'Search');
  await expect(page.getByText('No application name starts with “nothing”.')).toBeVisible();
  await page.getByRole('link', { name: 'Show all applications' }).click();
  await expect(names).toHaveCount(3);
});
