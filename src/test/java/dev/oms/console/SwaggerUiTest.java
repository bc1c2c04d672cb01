package dev.oms.console;

import static dev.oms.console.Browser.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.start.SeedData;
import dev.oms.webhook.TestWebhooks;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** Swagger UI as somebody uses it who tries the API for the first time. */
@Tag("full")
@EnabledIf(
        value = "dev.oms.console.Browser#isInstalled",
        disabledReason = "There is no chromium or no chromedriver on the PATH")
@QuarkusTest
@WithTestResource(OmsServers.class)
class SwaggerUiTest {
    private static final String DELETE_WEBHOOK = "DELETE /webhooks/{id}";

    private final Ledger ledger = OmsServers.ledger();

    @Inject
    SeedData seedData;

    @TestHTTPResource("/q/swagger-ui/")
    URI swaggerUi;

    /** Afterwards as well: other tests add what the examples add. */
    @AfterEach
    void removeEverything() {
        ledger.awaitSettled();
        ledger.execute("truncate users, inventory_items, orders, order_lines, stock_movements, failed_jobs, "
                + "idempotency_keys, webhook_endpoints, webhook_attempts, webhook_counts restart identity cascade");
        // Its positions go on: the feed has read the others.
        ledger.execute("truncate events");
    }

    /**
     * From top to bottom on a new instance with seed data and the failed job and the webhook of the examples, with
     * nothing typed in. The webhook is deleted last. All but {@code /flow}, a stream that would not end, and
     * {@code replay}, whose cursor is valid in its own database only.
     */
    @Test
    void everyCallCanBeExecutedAsItStands() throws IOException {
        removeEverything();
        seedData.seed();
        ledger.awaitSettled();
        // It fails again whenever it is retried: nothing can be restored for an order that is not cancelled.
        ledger.execute("""
                with failing as (update orders set due = 'RESTORATION' where id = 7 returning id)
                insert into failed_jobs select id, 25, 'no luck', null, now() from failing""");
        long webhook = TestWebhooks.add(ledger, "https://shop.example/oms");
        TestWebhooks.attempt(ledger, webhook, 0, false, "oops");

        Map<String, String> statuses = new LinkedHashMap<>();
        try (Browser browser = Browser.start()) {
            browser.openBlankPage();
            browser.resize(1280, 900);
            browser.execute("location.href = '" + swaggerUi + "'");
            await(() -> assertThat(browser.texts(".opblock-summary-path")).hasSizeGreaterThan(20));
            List<String> calls = calls(browser);
            List<String> ordered = new ArrayList<>(calls);
            ordered.removeAll(List.of("GET /flow", "POST /webhooks/{id}/replay", DELETE_WEBHOOK));
            ordered.add(DELETE_WEBHOOK);
            for (String call : ordered) {
                statuses.put(call, execute(browser, calls.indexOf(call)));
            }
        }

        assertThat(statuses).hasSizeGreaterThan(20);
        assertThat(statuses)
                .allSatisfy((call, status) -> assertThat(status).as(call).matches("2.."));
    }

    /** In the order of the page, as in {@code GET /orders/{id}}. */
    private static List<String> calls(Browser browser) {
        return ((List<?>) browser.execute("""
                        return [...document.querySelectorAll('.opblock')].map(call =>
                            call.querySelector('.opblock-summary-method').textContent + ' '
                            + call.querySelector('.opblock-summary-path').dataset.path)""")).stream().map(Object::toString).toList();
    }

    /** Executes a call and returns the status of the answer. */
    private static String execute(Browser browser, int index) {
        for (String button : List.of(".opblock-summary-control", ".try-out__btn", ".btn.execute")) {
            await(() ->
                    assertThat(browser.execute("""
                            const button = document.querySelectorAll('.opblock')[%d].querySelector('%s');
                            button?.click();
                            return button !== null""".formatted(index, button))).isEqualTo(true));
        }
        String[] status = new String[1];
        await(() -> {
            status[0] = (String) browser.execute("""
                    return document.querySelectorAll('.opblock')[%d]
                        .querySelector('.live-responses-table tbody .response-col_status')?.textContent.trim()""".formatted(index));
            assertThat(status[0]).isNotBlank();
        });
        // Folded: the page draws every open call again with each click, and some answers are long.
        browser.execute("document.querySelectorAll('.opblock')[%d].querySelector('.opblock-summary-control').click()"
                .formatted(index));
        return status[0];
    }
}
