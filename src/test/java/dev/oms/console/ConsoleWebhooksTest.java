package dev.oms.console;

import static dev.oms.console.Browser.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.webhook.TestWebhooks;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Keys;

/** The pages about webhooks. Nothing is sent: there is no worker. */
@Tag("full")
@QuarkusTest
@WithTestResource(OmsServers.class)
class ConsoleWebhooksTest extends BrowserTest {
    @BeforeEach
    void deleteAll() {
        TestWebhooks.deleteAll(ledger);
        browser.openBlankPage();
        browser.resize(1280, 900);
        // Those of the browser's own first page.
        browser.errors(origin());
    }

    @AfterEach
    void assertNoErrors() {
        assertThat(browser.errors(origin())).isEmpty();
    }

    private long add() {
        return TestWebhooks.add(ledger, "https://shop.example/oms");
    }

    private void open(String hash, String title) {
        browser.open(console + hash);
        await(() -> assertThat(browser.text("h1")).isEqualTo(title));
        await(() -> assertThat(browser.texts("main .hint").toString()).doesNotContain("Loading"));
    }

    private void openOne(long id) {
        open("#/webhooks/" + id, "Webhook " + id);
    }

    private String fact(String label) {
        return browser.text("[data-fact='" + label + "']");
    }

    private void press(String action) {
        browser.execute(
                "[...document.querySelectorAll('button')].find((b) => b.textContent === '" + action + "').click()");
    }

    private List<String> retries(long id) {
        return ledger.texts("select position from webhook_retries where endpoint_id = " + id + " order by position");
    }

    @Test
    void createsOneAndShowsItsSecretOnce() {
        open("#/webhooks", "Webhooks");

        browser.click("#create");
        browser.type("#url", "https://shop.example/oms");
        browser.type("#types", "order.confirmed, order.rejected");
        browser.type("#description", "the shop");
        browser.press(Keys.ENTER);

        await(() -> assertThat(browser.text(".secret")).matches("whsec_[A-Za-z0-9+/]{43}="));
        await(() -> assertThat(browser.text("tbody tr"))
                .contains("https://shop.example/oms", "the shop", "enabled", "none"));
        browser.click("tbody a");
        await(() -> assertThat(fact("Types")).isEqualTo("order.confirmed, order.rejected"));
        assertThat(browser.texts(".secret")).isEmpty();
    }

    @Test
    void showsHowTheyAreDoing() {
        long id = add();
        ledger.execute("""
                update webhook_endpoints set disabled_at = now(), disabled_reason = 'gone', failing_since = now(),
                    position = position - 2
                where id = %d""".formatted(id));
        ledger.execute("insert into webhook_counts values (%d, date_trunc('hour', now()), 1999, 1)".formatted(id));
        TestWebhooks.attempt(ledger, id, 0, false, "oops");

        open("#/webhooks", "Webhooks");

        await(() ->
                assertThat(browser.text("tbody tr")).contains("410 Gone", "99.9 % of 2,000", "status 500, just now"));
    }

    @Test
    void showsAttemptsAndSendsAgain() {
        long id = add();
        long event =
                Long.parseLong(ledger.texts("""
                insert into events (subject, subject_id, version, type)
                values ('item', %d, 1, 'item.corrected') returning position""".formatted(System.nanoTime())).getFirst());
        TestWebhooks.attempt(ledger, id, 0, true, null);
        long failed = TestWebhooks.attempt(ledger, id, event, false, "<img src=x onerror=alert(1)>");
        openOne(id);
        await(() -> assertThat(browser.texts("tbody tr")).hasSize(2));
        assertThat(browser.text("tbody tr"))
                .contains("item.corrected of item", "failed", "status 500", "7 ms", "<img src=x onerror=alert(1)>");

        browser.click("[aria-label='Send the event of attempt " + failed + " again']");

        await(() -> assertThat(browser.text("#info")).contains("being sent again"));
        assertThat(retries(id)).containsExactly(event + "");
        browser.click(".tabs a[href$='outcome=succeeded']");
        await(() ->
                assertThat(browser.texts("tbody tr")).singleElement().asString().contains("webhook.test"));
    }

    @Test
    void sendsATestUnlessItIsDisabled() {
        long id = add();
        TestWebhooks.attempt(ledger, id, 0, true, null);
        openOne(id);

        press("Send a test event");
        await(() -> assertThat(browser.text("#info")).contains("test event is being sent"));
        assertThat(retries(id)).containsExactly("0");

        press("Disable…");
        browser.click("dialog .danger");
        await(() -> assertThat(fact("State")).isEqualTo("disabled"));
        assertThat(fact("Since")).contains("just now by console");
        assertThat(isDisabled("Send a test event")).isEqualTo("true");
        await(() -> assertThat(isDisabled("Send again")).isEqualTo("true"));

        press("Enable…");
        browser.click("dialog .main");
        await(() -> assertThat(fact("State")).isEqualTo("enabled"));
        await(() -> assertThat(isDisabled("Send again")).isNotEqualTo("true"));
    }

    private static Object isDisabled(String action) {
        return browser.execute("return [...document.querySelectorAll('button')]" + ".find((b) => b.textContent === '"
                + action + "').getAttribute('aria-disabled')");
    }

    @Test
    void keepsOneDisabledThatAWorkerHasDisabled() {
        long id = add();
        ledger.execute("update webhook_endpoints set disabled_at = now(), disabled_reason = 'gone' where id = " + id);
        openOne(id);
        await(() -> assertThat(fact("State")).contains("410 Gone"));

        press("Keep disabled…");
        browser.click("dialog .danger");

        await(() -> assertThat(fact("State")).isEqualTo("disabled"));
        assertThat(fact("Since")).contains("by console");
        assertThat(browser.execute("return [...document.querySelectorAll('button')]"
                        + ".find((b) => b.textContent === 'Keep disabled…').hidden"))
                .isEqualTo(true);
    }

    @Test
    void changesItAndReplacesItsSecret() {
        long id = add();
        openOne(id);

        press("Change…");
        browser.type("#types", "item.low_stock");
        browser.click("dialog .main");
        await(() -> assertThat(fact("Types")).isEqualTo("item.low_stock"));
        assertThat(fact("Updated")).contains("by console");

        press("Replace secret…");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.text(".secret")).startsWith("whsec_"));
        await(() -> assertThat(fact("Previous secret ends")).isEqualTo("in 23 h"));
    }

    @Test
    void sendsARangeAgainAndDeletesIt() {
        long id = add();
        long event =
                Long.parseLong(ledger.texts("""
                insert into events (subject, subject_id, version, type)
                values ('item', %d, 1, 'item.corrected') returning position""".formatted(System.nanoTime())).getFirst());
        TestWebhooks.attempt(ledger, id, event, true, null);
        ledger.execute("update webhook_endpoints set position = %d where id = %d".formatted(event + 7, id));
        openOne(id);
        await(() -> assertThat(browser.texts("tbody code")).hasSize(1));
        String eventId = browser.text("tbody code");

        press("Send again from…");
        browser.type("#cursor", eventId);
        browser.press(Keys.ENTER);
        await(() -> assertThat(browser.text("#info")).contains("are being sent again"));
        assertThat(ledger.texts("select position from webhook_endpoints where id = " + id))
                .containsExactly(event + "");

        press("Delete…");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Webhooks"));
        await(() -> assertThat(browser.text("main")).contains("No webhooks."));
    }
}
