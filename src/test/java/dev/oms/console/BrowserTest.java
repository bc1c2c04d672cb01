package dev.oms.console;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import io.quarkus.test.common.http.TestHTTPResource;
import java.io.IOException;
import java.net.URI;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The console as an operator uses it: in a browser, with a running service. Skipped where there is no browser. */
abstract class BrowserTest {
    static Browser browser;

    final Ledger ledger = OmsServers.ledger();

    @TestHTTPResource("/console/")
    URI console;

    @BeforeAll
    static void startBrowser() throws IOException {
        assumeTrue(Browser.isInstalled(), "There is no chromium or no chromedriver on the PATH");
        browser = Browser.start();
    }

    @AfterAll
    static void stopBrowser() {
        if (browser != null) {
            browser.close();
            browser = null;
        }
    }

    String origin() {
        return console.resolve("/").toString();
    }
}
