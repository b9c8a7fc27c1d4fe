import { McpClient } from '../support/client.ts';
import { WAYS, openAdminPage, expectNoSidewaysScrolling, section, openDetails } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a resource is listed with its scopes and the configuration of its server, ${way}`, async ({ anotherBrowser, server, administrator }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'resources');
    const part = section(page, 'Notes');
    await expect(part).toContainText(server.mcp);
    await expect(part.getByRole('row')).toHaveText([
      /^Scope\s*Description for users$/,
      /^notes:read\s*default\s*See who you are and read your notes$/,
      /^notes:write\s*Add notes for you$/,
    ]);
    const [recipe, description, challenge] = await part.locator('pre code').all();
    await expect(description!).toBeHidden();
    await openDetails(part, 'What the MCP server has to do');

    await test.step('the description is the one that is served', async () => {
      const served = await fetch(server.url('/.well-known/oauth-protected-resource/mcp'));
      expect(JSON.parse(await description!.innerText())).toEqual(await served.json());
      await expect(part).toContainText(server.url('/.well-known/oauth-protected-resource/mcp'));
    });

    await test.step('the challenge is the one that the MCP server of this server gives', async () => {
      const refused = await fetch(server.mcp, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
      expect(refused.status).toBe(401);
      await expect(challenge!).toHaveText(`WWW-Authenticate: ${refused.headers.get('www-authenticate')}`);
      expect((await McpClient.discover(server.mcp)).resource).toBe(server.mcp);
    });

    await test.step('a recipe is shown for the stack that is chosen, to copy or as plain text', async () => {
      await openDetails(part, 'Example server or gateway');
      await part.getByRole('link', { name: 'Rust', exact: true }).click();
      for (const line of [
        `const ISSUER: &str = "${server.issuer}";`,
        `const RESOURCE: &str = "${server.mcp}";`,
        'const PATH: &str = "/mcp";',
        'const SCOPES: &[&str] = &["notes:read"];',
      ]) {
        await expect(recipe!).toContainText(line);
      }
      const copy = part.getByRole('button', { name: 'Copy' });
      if (javaScriptEnabled) {
        await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
        await copy.click();
        await expect(part.getByRole('button', { name: 'Copied' })).toBeVisible();
        expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('fn main()');
      } else {
        await expect(copy).toBeHidden();
      }
      await openDetails(part, 'What the MCP server has to do');
    });

    await page.setViewportSize({ width: 320, height: 640 });
    await expectNoSidewaysScrolling(page);
    await expect(part).toContainText(server.url('/.well-known/paseto-keys'));
    await expect(part).toContainText('vestibule resource secret');

    await part.getByRole('link', { name: 'As plain text' }).click();
    await expect(page.locator('body')).toContainText(`const RESOURCE: &str = "${server.mcp}";`);
  });
}
