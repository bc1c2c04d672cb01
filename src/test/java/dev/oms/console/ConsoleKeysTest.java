package dev.oms.console;

import static dev.oms.console.Browser.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.access.TestKeys;
import dev.oms.access.WithKeys;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.Keys;

/** The console where calls need a key. */
@Tag("full")
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class ConsoleKeysTest extends BrowserTest {
    @BeforeEach
    void signOut() {
        browser.resize(1280, 900);
        browser.open(console + "");
        browser.execute("sessionStorage.clear()");
        browser.open(console + "");
    }

    private void signIn(String key) {
        assertThat(browser.text("h1")).isEqualTo("Sign in");
        browser.type("#key", key);
        browser.press(Keys.ENTER);
    }

    @Test
    void asksForAKeyAndKeepsItForTheTab() {
        signIn("oms_3xKq…");
        await(() -> assertThat(browser.text("[role=alert]")).contains("not a key"));
        browser.type("#key", "oms_wrong");
        browser.press(Keys.ENTER);
        await(() -> assertThat(browser.text("[role=alert]")).contains("not valid"));

        browser.type("#key", TestKeys.admin(ledger));
        browser.press(Keys.ENTER);
        await(() -> assertThat(browser.text("h1")).isEqualTo("Flow"));
        await(() -> assertThat(browser.text("#live")).isEqualTo("Live"));
        assertThat(browser.text("#who")).contains("tests");

        browser.open(console + "#/orders");
        assertThat(browser.text("h1")).isEqualTo("Orders");
        browser.click("#who button");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Sign in"));
    }

    @Test
    void showsOnlyWhatTheKeyAllows() {
        signIn(TestKeys.ofRole(ledger, "warehouse"));

        await(() -> assertThat(browser.text("h1")).isEqualTo("Orders"));
        assertThat(browser.texts("nav[aria-label=Pages] a")).containsExactly("Orders", "Inventory");
        browser.open(console + "#/jobs");
        assertThat(browser.text("h1")).isEqualTo("Not allowed");
        assertThat(browser.text("main")).contains("jobs:read");
    }

    @Test
    void anOperatorSeesAllPagesButKeys() {
        signIn(TestKeys.ofRole(ledger, "operator"));

        await(() -> assertThat(browser.text("h1")).isEqualTo("Flow"));
        assertThat(browser.texts("nav[aria-label=Pages] a"))
                .containsExactly("Flow", "Orders", "Inventory", "Jobs", "Webhooks");
        browser.open(console + "#/webhooks");
        await(() -> assertThat(browser.text("#create")).isEqualTo("Create webhook…"));
    }

    @Test
    void createsReplacesAndRevokesKeys() {
        signIn(TestKeys.admin(ledger));
        await(() -> assertThat(browser.text("h1")).isEqualTo("Flow"));
        browser.open(console + "#/keys");

        String name = "k" + System.nanoTime();
        browser.click("#create");
        browser.type("#name", name);
        browser.click("dialog .main");
        await(() -> assertThat(browser.text(".secret")).matches("oms_[0-9A-Za-z]{49}"));
        await(() -> assertThat(browser.text("tbody tr")).contains(name, "active", "orders:write"));

        browser.click("[aria-label='Replace the key " + name + "']");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.texts(".secret")).hasSize(2));
        await(() -> assertThat(browser.texts("tbody tr").stream().filter(row -> row.contains(name)))
                .hasSize(2)
                .allMatch(row -> row.contains("active")));

        browser.click("[aria-label='Revoke the key " + name + "']");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.texts("tbody tr").stream().filter(row -> row.contains(name)))
                .anyMatch(row -> row.contains("revoked by key:tests")));
    }

    @Test
    void asksAgainWhenTheKeyIsRevoked() {
        signIn(TestKeys.ofRole(ledger, "operator"));
        await(() -> assertThat(browser.text("h1")).isEqualTo("Flow"));
        browser.open(console + "#/orders");

        ledger.execute("update api_keys set revoked_at = now() where name = 'operator'");

        await(() -> assertThat(browser.text("h1")).isEqualTo("Sign in"));
        assertThat(browser.text("[role=alert]")).isEqualTo("Your key is no longer accepted.");
    }

    @Test
    void isAccessible() throws IOException {
        assertThat(browser.accessibilityViolations(List.of())).isEmpty();
        signIn(TestKeys.admin(ledger));
        await(() -> assertThat(browser.text("h1")).isEqualTo("Flow"));
        browser.open(console + "#/keys");
        await(() -> assertThat(browser.texts("tbody tr")).isNotEmpty());
        assertThat(browser.accessibilityViolations(List.of())).isEmpty();
    }
}
