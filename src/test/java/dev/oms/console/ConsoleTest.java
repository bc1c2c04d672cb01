package dev.oms.console;

import static dev.oms.console.Browser.await;
import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.Streams;
import dev.oms.process.TcpProxy;
import dev.oms.webhook.TestWebhooks;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.redis.client.Command;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;

@Tag("full")
@QuarkusTest
@WithTestResource(OmsServers.class)
class ConsoleTest extends BrowserTest {
    private static final String HOSTILE = "<img src=x onerror=alert(1)>";
    private static final int SCREENSHOT_WIDTH = 1280;
    private static final int SCREENSHOT_HEIGHT = 960;
    private static final int SCREENSHOT_MAX_BYTES = 150_000;

    private long user;
    private String name;
    private long item;

    @BeforeEach
    void setUp() {
        removeFailedJobs();
        ledger.awaitSettled();
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 10, 0);
        browser.openBlankPage();
        browser.resize(1280, 900);
        browser.preferColourScheme("light");
        browser.errors(origin());
    }

    @AfterEach
    void removeFailedJobs() {
        ledger.execute("""
                with removed as (delete from failed_jobs returning order_id)
                update orders set due = null, status = 'Rejected'
                where due is not null and id in (select order_id from removed)""");
    }

    @Test
    void showsHowOrdersFlow() {
        browser.open(console + "");
        await(() -> assertThat(browser.text("#live")).isEqualTo("Live"));

        await(() -> {
            // On every attempt, as the rate covers only the last few seconds.
            Shop.settled(Shop.order(user, Map.of(name, 1)));
            assertThat(figure("Placed")).matches("[\\d,.]+").isNotEqualTo("0.0");
            assertThat(figure("Settled")).matches("[\\d,.]+").isNotEqualTo("0.0");
            assertThat(figure("Median")).endsWith("s");
        });
        await(() -> assertThat(figure("Waiting")).isEqualTo("0"));
        assertThat(figure("Dead")).isEqualTo("0");
        await(() -> assertThat(browser.text(".health")).contains("Orders are flowing."));
        assertThat(browser.texts("tbody tr")).singleElement().asString().contains("@");
        await(() -> assertThat(browser.text("main")).contains("nothing to resend"));
        assertThat(browser.texts(".plot canvas")).hasSize(1);
        assertNoErrors();
    }

    @Test
    void saysThatItAsksForNoKeys() {
        browser.open(console + "#/orders");

        await(() -> assertThat(browser.text("#who")).isEqualTo("Open to anybody"));
        assertNoErrors();
    }

    /**
     * Takes the README's picture of the console. {@code -Dconsole.screenshot.seconds=930} places orders long enough to
     * fill the chart.
     */
    @Test
    void takesAScreenshotForTheReadme() throws IOException {
        browser.resize(SCREENSHOT_WIDTH, SCREENSHOT_HEIGHT);
        browser.hideScrollbars();
        browser.open(console + "#/flow");
        placeOrders(Duration.ofSeconds(Integer.getInteger("console.screenshot.seconds", 5)));
        await(() -> {
            Shop.settled(Shop.order(user, Map.of(name, 1)));
            assertThat(browser.text("h1")).isEqualTo("Flow");
            assertThat(browser.text("#live")).isEqualTo("Live");
            assertThat(browser.text(".health")).contains("Orders are flowing.");
            assertThat(figure("Waiting")).isEqualTo("0");
            assertThat(List.of(figure("Placed"), figure("Settled")))
                    .allSatisfy(rate -> assertThat(rate).matches("[\\d,.]+").isNotEqualTo("0.0"));
            assertThat(List.of(figure("Median"), figure("95th percentile"), figure("99th percentile")))
                    .allSatisfy(latency -> assertThat(latency).endsWith("s"));
            assertThat(browser.texts(".plot canvas")).hasSize(1);
            assertThat(browser.texts("tbody tr")).hasSize(1);
            assertThat(browser.text("main")).contains("nothing to resend");
        });

        byte[] png = browser.screenshot();

        BufferedImage image = ImageIO.read(new ByteArrayInputStream(png));
        assertThat(image.getWidth()).isEqualTo(SCREENSHOT_WIDTH);
        assertThat(image.getHeight()).isEqualTo(SCREENSHOT_HEIGHT);
        assertThat(Arrays.stream(image.getRGB(0, 0, SCREENSHOT_WIDTH, SCREENSHOT_HEIGHT, null, 0, SCREENSHOT_WIDTH))
                        .distinct()
                        .count())
                .as("colours in the picture")
                .isGreaterThan(100);
        assertThat(png).hasSizeLessThan(SCREENSHOT_MAX_BYTES);
        Files.write(Path.of("target/console.png"), png);
        assertNoErrors();
    }

    /** Places orders at a varying rate of at most 25 per second. */
    private void placeOrders(Duration duration) {
        String plenty = Shop.uniqueName();
        Shop.item(plenty, 1_000_000, 0);
        long started = System.nanoTime();
        for (long elapsed = 0; elapsed < duration.toNanos(); elapsed = System.nanoTime() - started) {
            Shop.order(user, Map.of(plenty, 1));
            double perSecond = 15 + 10 * Math.sin(elapsed / 40e9) * Math.cos(elapsed / 17e9);
            LockSupport.parkNanos((long) (1e9 / perSecond));
        }
    }

    @Test
    void explainsDeadJobs() {
        deadJob("no luck");

        browser.open(console + "#/flow");

        await(() -> assertThat(browser.text(".health")).contains("1 job is dead.", "retry or drop"));
        assertThat(figure("Dead")).isEqualTo("1");
        browser.click(".health a");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Jobs"));
        assertNoErrors();
    }

    @Test
    void explainsARedisOutage() throws IOException {
        browser.open(console + "#/flow");
        await(() -> assertThat(browser.text(".health")).contains("Orders are flowing."));

        OmsServers.servers().stopRedis();
        try {
            await(() -> assertThat(browser.text(".health")).contains("Redis is down.", "OMS_REDIS_URL"));
            assertThat(figure("Waiting")).isEqualTo("–");
        } finally {
            OmsServers.servers().startRedis();
        }

        await(() -> assertThat(browser.text(".health")).contains("Orders are flowing."));
        assertNoErrors();
    }

    @Test
    void tellsAFullRedisFromOneThatIsDown() {
        browser.open(console + "#/flow");
        await(() -> assertThat(browser.text(".health")).contains("Orders are flowing."));

        OmsServers.streams().redis(Command.CONFIG, "SET", "maxmemory", "1");
        try {
            await(() -> assertThat(browser.text(".health")).contains("Redis is full.", "maxmemory"));
            assertThat(browser.text(".health")).doesNotContain("is down");
        } finally {
            OmsServers.streams().redis(Command.CONFIG, "SET", "maxmemory", "0");
        }

        await(() -> assertThat(browser.text(".health")).contains("Orders are flowing."));
        assertNoErrors();
    }

    @Test
    void reconnectsAutomatically() throws IOException {
        try (TcpProxy proxy = new TcpProxy(console.getPort())) {
            browser.open("http://localhost:" + proxy.port() + "/console/");
            await(() -> assertThat(browser.text("#live")).isEqualTo("Live"));

            proxy.disconnect();

            await(() -> assertThat(browser.text("#live")).isEqualTo("Reconnecting…"));
            assertThat(browser.text(".health")).contains("Connection lost.");
            assertThat(browser.accessibilityViolations(List.of("color-contrast")))
                    .as("a stale page")
                    .isEmpty();
            proxy.restore();
            await(() -> assertThat(browser.text("#live")).isEqualTo("Live"));
            await(() -> assertThat(browser.text(".health")).doesNotContain("lost"));
        }
    }

    @Test
    void showsAnOrderFromPlacementToCancellation() {
        browser.open(console + "#/orders");
        await(() -> assertThat(browser.text(".pages")).contains("every 2 seconds"));

        long order = Shop.order(user, Map.of(name, 3));

        await(() -> assertThat(browser.text(row(order))).contains("Confirmed", "3 × " + name));
        browser.click(row(order) + " a");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Order " + order));
        await(() ->
                assertThat(browser.texts(".timeline strong")).containsExactly("Placed", "Confirmed: stock deducted"));
        assertThat(browser.texts(".timeline .by").getLast()).startsWith("worker ");
        assertThat(enabledActions()).containsExactly("Out for delivery", "Delivered", "Cancel order");

        browser.click("[data-to=OutForDelivery]");
        await(() -> assertThat(enabledActions()).containsExactly("Delivered", "Cancel order"));
        assertThat(Shop.status(order)).isEqualTo("OutForDelivery");

        browser.click("[data-to=Cancelled]");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.texts(".timeline strong"))
                .containsExactly(
                        "Placed",
                        "Confirmed: stock deducted",
                        "Out for delivery",
                        "Cancelled",
                        "Restored: stock returned"));
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Cancelled"));
        assertThat(browser.texts(".timeline .by").get(3)).isEqualTo("console");
        assertThat(enabledActions()).isEmpty();
        await(() -> assertThat(browser.texts("td[data-title=Kind]")).containsExactly("Deduction", "Restoration"));
        assertThat(Shop.quantity(item)).isEqualTo(10);
        assertNoErrors();
    }

    @Test
    void aDoubleClickGoesOneStep() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/orders/" + order);
        await(() -> assertThat(enabledActions()).contains("Out for delivery"));
        Object place = placeOf("[data-to=Delivered]");

        browser.doubleClick("[data-to=OutForDelivery]");

        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Out for delivery"));
        await(() -> assertThat(enabledActions()).containsExactly("Delivered", "Cancel order"));
        assertThat(placeOf("[data-to=Delivered]")).isEqualTo(place);
        assertThat(browser.texts("dialog")).isEmpty();
        // The second click of a double click does not confirm, wherever the dialog appears.
        browser.doubleClick("[data-to=Delivered]");
        await(() -> assertThat(browser.text("dialog h2")).isEqualTo("Mark order %d as delivered?".formatted(order)));
        browser.doubleClick("dialog .danger");
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Delivered"));
        assertThat(browser.texts(".timeline strong"))
                .containsExactly("Placed", "Confirmed: stock deducted", "Out for delivery", "Delivered");
        assertThat(enabledActions()).isEmpty();
        assertThat(browser.text("main")).contains("No further changes: the order is delivered.");
        assertNoErrors();
    }

    @Test
    void asksBeforeWhatIsFinal() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/orders/" + order);
        await(() -> assertThat(enabledActions()).contains("Delivered"));

        // By keyboard: the way back has the focus.
        browser.execute("document.querySelector('[data-to=Delivered]').focus()");
        browser.press(Keys.ENTER);
        await(() -> assertThat(browser.text("dialog")).contains("neither changed nor cancelled"));
        assertThat(browser.execute("return document.activeElement.textContent")).isEqualTo("Go back");
        browser.press(Keys.ESCAPE);
        await(() -> assertThat(browser.texts("dialog")).isEmpty());
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
        assertThat(browser.execute("return document.activeElement.dataset.to")).isEqualTo("Delivered");

        await(() -> assertThat(enabledActions()).contains("Delivered"));
        browser.press(Keys.ENTER);
        await(() -> assertThat(browser.texts("dialog")).hasSize(1));
        browser.press(Keys.TAB, Keys.ENTER);

        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Delivered"));
        assertThat(browser.execute("return document.activeElement.dataset.to")).isEqualTo("Delivered");
        assertNoErrors();
    }

    @Test
    void closesADialogWithItsPage() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/inventory/" + item);
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).startsWith("9 "));
        browser.navigateTo("#/orders/" + order);
        await(() -> assertThat(enabledActions()).contains("Cancel order"));
        browser.click("[data-to=Cancelled]");
        await(() -> assertThat(browser.texts("dialog h2")).containsExactly("Cancel order %d?".formatted(order)));

        browser.execute("history.back()");

        await(() -> assertThat(browser.text("h1")).isEqualTo(name));
        assertThat(browser.texts("dialog")).isEmpty();
        assertThat(browser.execute("return document.activeElement.tagName")).isEqualTo("H1");
        assertThat(Shop.status(order)).isEqualTo("Confirmed");
        assertNoErrors();

        // What was under way is reported nevertheless.
        holdWrites();
        browser.click("#adjust");
        browser.type("#amount", "10");
        browser.type("#reason", "lost");
        browser.click("dialog [type=submit]");
        await(() -> assertThat(browser.execute("return window.calls")).isEqualTo(1L));
        browser.navigateTo("#/orders");
        assertThat(browser.texts("dialog")).isEmpty();
        browser.execute("window.go()");
        await(() -> assertThat(browser.text("#alert")).contains("must not lower the quantity"));
        assertOnlyErrors(422);
    }

    @Test
    void disablesEveryButtonWhileACallIsUnderWay() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/orders/" + order);
        await(() -> assertThat(enabledActions()).contains("Out for delivery"));
        holdWrites();

        browser.click("[data-to=OutForDelivery]");

        await(() -> assertThat(enabledActions()).isEmpty());
        browser.click("[data-to=OutForDelivery]");
        browser.click("[data-to=Cancelled]");
        browser.execute("window.go()");
        await(() -> assertThat(enabledActions()).containsExactly("Delivered", "Cancel order"));
        assertThat(browser.execute("return window.calls")).isEqualTo(1L);
        assertThat(browser.texts("dialog")).isEmpty();
        assertNoErrors();
    }

    /** From now on, a write waits for {@code window.go()}; {@code window.calls} counts them. */
    private static void holdWrites() {
        browser.execute("""
                const send = window.fetch;
                window.calls = 0;
                window.fetch = (url, options) => options.method === 'GET'
                    ? send(url, options)
                    : new Promise((go) => { window.calls++; window.go = go; }).then(() => send(url, options));""");
    }

    private List<String> enabledActions() {
        return browser.texts("[data-to]:not([aria-disabled=true])");
    }

    private static Object placeOf(String css) {
        return browser.execute(
                "const {x, y} = document.querySelector('%s').getBoundingClientRect(); return x + ' ' + (y + scrollY)"
                        .formatted(css));
    }

    @Test
    void pollsAnUnchangedOrderWithoutItsBody() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/orders/" + order);
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Confirmed"));
        List<Integer> statuses = new ArrayList<>();

        await(() -> {
            statuses.addAll(browser.statuses(origin() + "orders/" + order));
            assertThat(statuses).endsWith(304, 304);
        });

        Shop.update(order, "OutForDelivery");
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Out for delivery"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"orders?limit=25", "inventory_items?below_threshold=false&sort=low_stock&limit=50"})
    void pollsAnUnchangedListWithoutItsBody(String list) {
        browser.open(console + (list.startsWith("orders") ? "#/orders" : "#/inventory"));
        await(() -> assertThat(browser.texts("main .hint").toString()).doesNotContain("Loading"));
        List<Integer> statuses = new ArrayList<>();

        await(() -> {
            statuses.addAll(browser.statuses(origin() + list));
            assertThat(statuses).endsWith(304, 304);
        });

        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        await(() -> {
            statuses.addAll(browser.statuses(origin() + list));
            assertThat(statuses).endsWith(304, 200);
        });
    }

    @Test
    void saysWhenThereIsNoSuchPage() {
        browser.open(console + "#/constructor");
        for (String page : List.of("#/toString", "#/flow/1", "#/orders/1/2", "#/constructor")) {
            browser.navigateTo(page);

            assertThat(browser.text("h1")).as(page).isEqualTo("Page not found");
            assertThat(browser.text("main")).as(page).contains("Choose one from the menu");
        }
        assertNoErrors();
    }

    @Test
    void saysWhatToDoWhenAModuleDoesNotLoad() {
        browser.clearCache();
        browser.block("*/orders.js");
        try {
            browser.open(console + "#/jobs");
            browser.navigateTo("#/orders");
            assertThat(browser.text("h1")).isEqualTo("This page did not load");
            assertThat(browser.text("main")).contains("then reload", "Reload");

            browser.block("*/api.js");
            browser.openBlankPage();
            browser.open(console + "");
            await(() -> assertThat(browser.text("main")).contains("The console did not load", "reload this page"));

            browser.block("*/uPlot*");
            browser.open(console + "");
            await(() -> assertThat(browser.text(".plot")).contains("The chart did not load"));
            await(() -> assertThat(figure("Dead")).isEqualTo("0"));
        } finally {
            browser.block();
        }
        browser.open(console + "#/orders");
        assertThat(browser.text("h1")).isEqualTo("Orders");
    }

    @Test
    void loadsLittle() {
        for (String page : List.of("", "#/orders", "#/inventory", "#/jobs", "#/webhooks")) {
            browser.clearCache();
            browser.open(console + page);
            await(() -> assertThat(browser.text("#live")).isEqualTo("Live"));
            await(() -> assertThat(browser.texts("main .hint").toString()).doesNotContain("Loading"));

            List<Long> weights = weights();
            // The stream of events, which has not ended, is not among them.
            assertThat(weights).as(page).hasSizeLessThan(12).allMatch(bytes -> bytes > 0);
            assertThat(weights.stream().mapToLong(Long::longValue).sum())
                    .as(page)
                    .isLessThan(60_000);
        }
        assertNoErrors();
    }

    /**
     * The bytes received for each file and call of the page, without its refreshes: at least 2 s after the same call.
     */
    private static List<Long> weights() {
        return ((List<?>) browser.execute("""
                        const received = performance.getEntries().filter((entry) => entry.transferSize !== undefined);
                        const isRefresh = ({name, startTime}) =>
                            received.some((other) => other.name === name && startTime - other.responseEnd > 1_500);
                        return received.filter((entry) => !isRefresh(entry)).map((entry) => entry.transferSize);""")).stream().map(Long.class::cast).toList();
    }

    @Test
    void refusesToChangeAnOrderThatChangedInTheMeantime() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/orders/" + order);
        browser.click("[data-to=Cancelled]");

        Shop.update(order, "Delivered");
        browser.click("dialog .danger");

        await(() -> assertThat(browser.text("#alert")).contains("changed in the meantime"));
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Delivered"));
        assertThat(enabledActions()).isEmpty();
        assertOnlyErrors(412);
    }

    @Test
    void findsOrders() {
        long confirmed = Shop.order(user, Map.of(name, 1));
        Shop.settled(confirmed);
        long rejected = Shop.order(user, Map.of(name, 1_000));
        Shop.settled(rejected);
        browser.open(console + "#/orders");

        browser.type("#user-id", user + "");
        browser.click("[type=submit]");
        await(() -> assertThat(orderColumn()).containsExactly(rejected + "", confirmed + ""));
        searchByStatus("Rejected");
        await(() -> assertThat(orderColumn()).containsExactly(rejected + ""));
        searchByStatus("Delivered");
        await(() ->
                assertThat(browser.texts(".empty")).singleElement().asString().contains("No matching orders"));
        browser.type("#order-id", " #" + confirmed + " ");
        browser.click("[type=submit]");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Order " + confirmed));
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Confirmed"));
        assertNoErrors();
    }

    private void searchByStatus(String status) {
        browser.click("#status option[value=" + status + "]");
        browser.click("[type=submit]");
    }

    @Test
    void pagesThroughOrders() {
        for (int i = 0; i < 30; i++) {
            Shop.order(user, Map.of(name, 1));
        }
        ledger.awaitSettled();
        browser.open(console + "#/orders?user_id=" + user);
        await(() -> assertThat(orderColumn()).hasSize(25).isSortedAccordingTo(newestFirst()));
        List<String> first = orderColumn();

        browser.click(".next");

        await(() -> assertThat(orderColumn()).hasSize(5).doesNotContainAnyElementsOf(first));
        browser.execute("history.back()");
        await(() -> assertThat(orderColumn()).isEqualTo(first));
        assertNoErrors();
    }

    @Test
    void leadsToOlderAndNewerPages() {
        ledger.execute("""
                insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                select %d, 'Rejected', now(), now(), now() from generate_series(1, 60)""".formatted(user));
        browser.open(console + "#/orders?user_id=" + user);
        await(() -> assertThat(orderColumn()).hasSize(25));
        List<String> first = orderColumn();

        browser.click(".next");
        await(() -> assertThat(orderColumn()).hasSize(25).doesNotContainAnyElementsOf(first));
        List<String> second = orderColumn();
        assertThat(browser.texts(".pages a")).containsExactly("« Newest", "Older ›");
        browser.click(".next");
        await(() -> assertThat(orderColumn()).hasSize(10));
        assertThat(browser.texts(".pages a")).containsExactly("« Newest", "‹ Newer");

        browser.click(".previous");
        await(() -> assertThat(orderColumn()).isEqualTo(second));
        browser.click(".first");
        await(() -> assertThat(orderColumn()).isEqualTo(first));
        assertNoErrors();
    }

    @Test
    void goingBackKeepsFiltersSortAndScroll() {
        ledger.execute("""
                insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                select %d, 'Rejected', now(), now(), now() from generate_series(1, 30)""".formatted(user));
        browser.resize(1280, 500);
        browser.open(console + "#/orders?status=Rejected&user_id=" + user);
        await(() -> assertThat(orderColumn()).hasSize(25).isSortedAccordingTo(newestFirst()));
        assertThat(browser.texts(".extent")).allMatch(String::isEmpty);
        browser.click("th button");
        await(() -> assertThat(orderColumn()).isSortedAccordingTo(newestFirst().reversed()));
        assertThat(browser.text(".extent")).isEqualTo("Sorted by Order: only the rows on this page.");
        List<String> sorted = orderColumn();
        browser.execute("scrollTo(0, 400)");
        await(() -> assertThat(browser.execute("return history.state.scroll")).isEqualTo(400L));

        browser.execute("document.querySelectorAll('td[data-title=Order] a')[12].click()");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Order " + sorted.get(12)));
        await(() -> assertThat(browser.text("[data-fact=Status]")).isEqualTo("Rejected"));
        browser.execute("history.back()");

        await(() -> assertThat(orderColumn()).isEqualTo(sorted));
        await(() -> assertThat(browser.execute("return scrollY")).isEqualTo(400L));
        assertThat(browser.execute("return document.getElementById('status').value"))
                .isEqualTo("Rejected");
        assertThat(browser.execute("return document.getElementById('user-id').value"))
                .isEqualTo(user + "");
        assertThat(browser.execute("return document.querySelector('th').getAttribute('aria-sort')"))
                .isEqualTo("ascending");
        assertNoErrors();
    }

    @Test
    void keepsTheStatusFilterWithoutTheListOfStatuses() {
        browser.block("*/order_statuses");
        try {
            browser.open(console + "#/orders?status=Rejected&user_id=" + user);
            await(() -> assertThat(browser.text(".failure")).contains("No response from OMS."));

            assertThat(browser.execute("return document.getElementById('status').value"))
                    .isEqualTo("Rejected");
            browser.click("[type=submit]");
            await(() -> assertThat(browser.execute("return location.hash"))
                    .asString()
                    .contains("status=Rejected"));
        } finally {
            browser.block();
        }

        await(() -> assertThat(browser.texts("#status option")).hasSize(8));
        assertThat(browser.execute("return document.getElementById('status').value"))
                .isEqualTo("Rejected");
    }

    @Test
    void reportsAnUnknownOrder() {
        browser.open(console + "#/orders/999999999");

        await(() -> assertThat(browser.text(".failure")).contains("Not found.", "999999999"));
        assertOnlyErrors(404);
    }

    @Test
    void findsAnItemByTheBeginningOfItsNameAndCorrectsIt() {
        Shop.order(user, Map.of(name, 4));
        ledger.awaitSettled();
        browser.open(console + "#/inventory");
        browser.type("#item-name", "  " + name.toUpperCase(Locale.ROOT) + " ");
        browser.click("[type=submit]");
        await(() -> assertThat(browser.texts("td[data-title=Item]")).containsExactly(name));
        browser.click("tbody a");
        await(() -> assertThat(browser.text("h1")).isEqualTo(name));
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).startsWith("6 "));

        browser.click("#count");
        browser.type("#quantity", "25");
        browser.type("#reason", "counted");
        browser.click("dialog [type=submit]");

        await(() -> assertThat(browser.text("#info")).contains("from 6 to 25"));
        await(() -> assertThat(browser.text("tbody tr")).contains("Correction", "+19", "25", "counted"));
        assertThat(browser.texts("td[data-title=Kind]")).containsExactly("Correction", "Deduction", "Opening");
        assertThat(browser.texts(".plot canvas")).hasSize(1);
        assertThat(Shop.quantity(item)).isEqualTo(25);
        assertNoErrors();
    }

    @Test
    void correctsAnItemThatSellsByAnAmount() {
        browser.open(console + "#/inventory/" + item);
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).startsWith("10 "));
        browser.click("#adjust");
        browser.type("#amount", "3");
        browser.type("#reason", "damaged");
        browser.type("#reference", "note 7");
        // Sold in the meantime.
        Shop.settled(Shop.order(user, Map.of(name, 2)));

        browser.click("dialog [type=submit]");

        await(() -> assertThat(browser.text("#info")).isEqualTo("Quantity changed by -3 to 5.\n×"));
        await(() ->
                assertThat(browser.text("tbody tr")).contains("Correction", "-3", "5", "console", "damaged", "note 7"));
        assertThat(Shop.quantity(item)).isEqualTo(5);
        assertNoErrors();

        // More than there is: the dialog stays, with what was typed and the reason.
        browser.click("#adjust");
        browser.type("#amount", "6");
        browser.type("#reason", "lost");
        browser.click("dialog [type=submit]");
        await(() -> assertThat(browser.texts("dialog .failure")).hasSize(1));
        assertThat(browser.execute("return document.getElementById('amount').value"))
                .isEqualTo("6");
        browser.click("#direction option[value='1']");
        browser.click("dialog [type=submit]");
        await(() -> assertThat(browser.text("#info")).contains("+6 to 11"));
        assertOnlyErrors(422);
    }

    /** Each would be made twice if the operator repeated it. */
    @Test
    void asksToCheckTheLedgerAfterACorrectionWithoutAnAnswer() {
        browser.open(console + "#/inventory/" + item);
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).startsWith("10 "));

        loseAnswersToWrites("Promise.reject(new TypeError('Failed to fetch'))");
        browser.click("#adjust");
        browser.type("#amount", "3");
        browser.type("#reason", "damaged");
        browser.click("dialog [type=submit]");
        await(() -> assertThat(browser.text("#alert"))
                .contains("No response from OMS.", "Check the ledger before you repeat it."));
        assertThat(browser.texts("dialog")).isEmpty();
        await(() -> assertThat(browser.text("tbody tr")).contains("Correction", "-3", "7", "damaged"));

        loseAnswersToWrites("new Response('{\"detail\":\"The outcome is in doubt.\"}', {status: 503})");
        browser.click("#count");
        browser.type("#quantity", "25");
        browser.type("#reason", "counted");
        browser.click("dialog [type=submit]");
        await(() -> assertThat(browser.text("#alert"))
                .contains("The outcome is in doubt. Check the ledger before you repeat it."));
        assertThat(browser.texts("dialog")).isEmpty();
        await(() -> assertThat(browser.text("tbody tr")).contains("Correction", "+18", "25", "counted"));
        assertThat(Shop.quantity(item)).isEqualTo(25);
        assertNoErrors();
    }

    /** As a browser does by itself when the connection is lost before the response. */
    @Test
    void doesOnceWhatTheBrowserSendsTwice() {
        browser.open(console + "#/inventory/" + item);
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).startsWith("10 "));
        sendWritesTwice();
        browser.click("#adjust");
        browser.type("#amount", "3");
        browser.type("#reason", "damaged");
        browser.click("dialog [type=submit]");
        await(() -> assertThat(browser.text("#info")).contains("changed by -3 to 7"));
        assertThat(Shop.quantity(item)).isEqualTo(7);

        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        browser.open(console + "#/orders/" + order);
        sendWritesTwice();
        browser.click("[data-to=OutForDelivery]");
        await(() -> assertThat(browser.text("#alert")).contains("The order is out for delivery already."));
        assertOnlyErrors(412);
    }

    private static void sendWritesTwice() {
        browser.execute("""
                window.send ??= window.fetch;
                window.fetch = (url, options) => options.method === 'GET'
                    ? window.send(url, options)
                    : window.send(url, options).then(() => window.send(url, options));""");
    }

    /** From now on, writes are made, but the page gets this in place of the response. */
    private static void loseAnswersToWrites(String instead) {
        browser.execute("""
                window.send ??= window.fetch;
                window.fetch = (url, options) => options.method === 'GET'
                    ? window.send(url, options)
                    : window.send(url, options).then(() => %s);""".formatted(instead));
    }

    @Test
    void refusesACountFromBeforeASale() {
        browser.open(console + "#/inventory/" + item);
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).startsWith("10 "));
        browser.click("#count");
        browser.type("#quantity", "12");
        browser.type("#reason", "counted");
        Shop.settled(Shop.order(user, Map.of(name, 2)));

        browser.click("dialog [type=submit]");

        await(() -> assertThat(browser.text("dialog .failure")).contains("changed in the meantime"));
        assertThat(Shop.quantity(item)).isEqualTo(8);
        assertOnlyErrors(412);
    }

    @Test
    void showsTheLedgerOfAnArchivedItem() {
        Shop.settled(Shop.order(user, Map.of(name, 4)));
        given().delete("/inventory_items/{id}", item).then().statusCode(204);

        browser.open(console + "#/inventory/" + item);

        await(() -> assertThat(browser.texts("td[data-title=Kind]")).containsExactly("Deduction", "Opening"));
        assertThat(browser.text("[data-fact=Item]")).contains("archived");
        assertThat(browser.texts("#adjust, #count")).isEmpty();
        assertThat(browser.texts(".plot canvas")).hasSize(1);
        assertOnlyErrors(404);
    }

    @Test
    void leadsFromALineToItsItem() {
        long settled = Shop.order(user, Map.of(name, 1));
        Shop.settled(settled);
        long rejected = Shop.order(user, Map.of(name, 1_000));
        Shop.settled(rejected);
        String renamed = Shop.uniqueName();
        given().contentType("application/json")
                .body(Map.of("name", renamed))
                .put("/inventory_items/{id}", item)
                .then()
                .statusCode(200);
        browser.open(console + "#/orders/" + settled);
        await(() -> assertThat(browser.texts(".columns td a")).containsExactly(name));

        browser.click(".columns td a");

        await(() -> assertThat(browser.text("h1")).isEqualTo(renamed));
        // No stock was moved for this one, so only the name is known.
        browser.navigateTo("#/orders/" + rejected);
        browser.click(".columns td a");
        await(() -> assertThat(browser.text("h1")).isEqualTo("Inventory"));
        assertThat(browser.execute("return document.getElementById('item-name').value"))
                .isEqualTo(name);
        assertNoErrors();
    }

    @Test
    void saysWhichItemsARejectedOrderWasShortOf() {
        String scarce = Shop.uniqueName();
        Shop.item(scarce, 1, 0);
        long order = Shop.order(user, Map.of(name, 1, scarce, 2));
        assertThat(Shop.settled(order)).isEqualTo("Rejected");

        browser.open(console + "#/orders/" + order);

        await(() -> assertThat(browser.text("[data-fact='Short of']")).isEqualTo(scarce));
        assertNoErrors();
    }

    @Test
    void showsLowStockFirst() {
        String low = Shop.uniqueName();
        Shop.item(low, 1, 900_000_000);

        browser.open(console + "#/inventory");

        await(() -> assertThat(browser.texts("td[data-title='To spare']")).isNotEmpty());
        assertThat(browser.texts("td[data-title='To spare']").stream()
                        .map(spare -> Long.valueOf(spare.replaceAll("[+,]", "")))
                        .toList())
                .isSorted();
        assertThat(browser.texts("tbody tr").getFirst()).contains("Below threshold");
        assertThat(browser.text("tbody")).contains(low);
        assertNoErrors();
    }

    @Test
    void saysThatAnItemIsOutOfStockAndFindsIt() {
        String gone = Shop.uniqueName();
        long id = Shop.item(gone, 0, 0);
        String low = Shop.uniqueName();
        Shop.item(low, 1, 900_000_000);

        browser.open(console + "#/inventory?name=" + gone.replace(" ", "%20"));
        await(() -> assertThat(browser.texts("tbody tr")).hasSize(1));
        assertThat(browser.text("tbody")).contains(gone, "Out of stock").doesNotContain("OK");
        browser.open(console + "#/inventory/" + id);
        await(() -> assertThat(browser.text("[data-fact=Quantity]")).contains("0", "Out of stock"));

        browser.open(console + "#/inventory");
        await(() -> assertThat(browser.texts("tbody tr")).isNotEmpty());
        choose("out");
        await(() -> assertThat(browser.texts("td[data-title=Stock]"))
                .isNotEmpty()
                .allMatch(stock -> stock.contains("Out of stock")));
        assertThat(browser.execute("return document.getElementById('stock').value"))
                .isEqualTo("out");
        choose("low");
        await(() -> assertThat(browser.text("tbody")).contains(low));
        assertThat(browser.text("tbody")).doesNotContain(gone);
        assertNoErrors();
    }

    private void choose(String stock) {
        browser.execute(
                "const level = document.getElementById('stock'); level.value = '%s'; level.dispatchEvent(new Event('change'))"
                        .formatted(stock));
    }

    @Test
    void retriesAndDropsJobs() {
        long retried = deadJob("one");
        long dropped = deadJob("two");
        long first = deadJob("three");
        long second = deadJob("four");
        ledger.execute("update orders set due = 'DEDUCTION' where due is not null");
        browser.open(console + "#/jobs?dead=true");
        await(() -> assertThat(browser.texts("tbody tr")).hasSize(4));
        assertThat(browser.text(row(dropped))).contains("Dead", "two", "25");

        browser.click(row(retried) + " button");
        await(() -> assertThat(browser.text("#info")).contains("order " + retried));
        assertThat(Shop.settled(retried)).isEqualTo("Confirmed");
        await(() -> assertThat(browser.texts("tbody tr")).hasSize(3));
        // The reconciler removes the failed job shortly after its order is settled.
        await(() -> assertThat(ledger.count("failed_jobs")).isEqualTo(3));

        browser.click(row(dropped) + " .danger");
        browser.click("dialog button");
        assertThat(ledger.count("failed_jobs")).isEqualTo(3);
        browser.click(row(dropped) + " .danger");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.texts("tbody tr")).hasSize(2));
        assertThat(Shop.status(dropped)).isEqualTo("Rejected");

        browser.click("main button.main");
        browser.click("dialog .danger");
        await(() -> assertThat(browser.text("#info")).contains("Retrying 2 jobs"));
        assertThat(Shop.settled(first)).isEqualTo("Confirmed");
        assertThat(Shop.settled(second)).isEqualTo("Confirmed");
        await(() -> assertThat(browser.text(".empty")).contains("No dead jobs."));
        assertNoErrors();
    }

    @Test
    void showsHostileNamesAsText() {
        String hostile = HOSTILE + " " + name;
        long trap = Shop.item(hostile, 10, 0);
        long order = Shop.order(user, Map.of(hostile, 1));
        Shop.settled(order);
        given().contentType("application/json")
                .body(Map.of("quantity", 5, "reason", HOSTILE))
                .put("/inventory_items/{id}", trap)
                .then()
                .statusCode(200);
        deadJob(HOSTILE);

        browser.open(console + "");
        for (String page : List.of(
                "#/orders?user_id=" + user,
                "#/orders/" + order,
                "#/inventory?name=" + URLEncoder.encode(hostile, StandardCharsets.UTF_8),
                "#/inventory/" + trap,
                "#/jobs")) {
            browser.navigateTo(page);

            await(() ->
                    assertThat(browser.texts("tbody tr").toString()).as(page).contains(HOSTILE));
            assertThat(browser.execute("return document.images.length"))
                    .as(page)
                    .isEqualTo(0L);
        }
        browser.open(console + "#/inventory/" + trap);
        await(() -> assertThat(browser.text("h1")).isEqualTo(hostile));
        browser.open(console + "#/orders/" + HOSTILE);
        await(() -> assertThat(browser.text("h1")).contains("Order"));
        assertThat(browser.execute("return document.images.length")).isEqualTo(0L);
        assertOnlyErrors(400, 404);
    }

    @Test
    void fitsANarrowScreen() {
        String large = "L".repeat(40) + " " + Shop.uniqueName();
        Shop.item(large, 1_000_000_000, 1_000_000_000);
        browser.resize(400, 800);
        browser.open(console + "");

        for (String page : pages()) {
            browser.navigateTo(page);
            await(() -> assertThat(browser.texts("main .hint").toString()).doesNotContain("Loading"));

            assertThat(cutOff()).as(page).isEmpty();
        }
        assertNoErrors();
    }

    /** What is wider than the window or than the box that it scrolls in. */
    private static List<?> cutOff() {
        return (List<?>) browser.execute("""
                const boxes = [document.documentElement, ...document.querySelectorAll('.scroller, .card, .tile')];
                const cells = document.querySelectorAll('td, dd, h1, button');
                return [
                    ...boxes.filter((box) => box.scrollWidth > box.clientWidth + 1),
                    ...[...cells].filter((cell) => cell.getBoundingClientRect().right > innerWidth),
                ].map((element) => element.outerHTML.slice(0, 200));""");
    }

    @Test
    void keepsTheStateOfWorkersWithLongNamesInSight() {
        String pod = "1@oms-worker-recommended-by-the-overlay-7c9f6d8b54-x2k9q";
        OmsServers.streams().redis(Command.XGROUP, "CREATECONSUMER", Streams.JOBS, "workers", pod);
        OmsServers.streams().redis(Command.HSET, "oms:workers", pod, System.currentTimeMillis() + " 1234567");
        try {
            browser.open(console + "#/flow");
            await(() -> assertThat(browser.text(row("1@oms-worker"))).contains("7c9f6d8b54"));

            for (int width : new int[] {400, 700, 1024, 1280}) {
                browser.resize(width, 900);
                await(() -> assertThat(cutOff()).as("%d px", width).isEmpty());
            }
        } finally {
            OmsServers.streams().redis(Command.XGROUP, "DELCONSUMER", Streams.JOBS, "workers", pod);
            OmsServers.streams().redis(Command.HDEL, "oms:workers", pod);
        }
        await(() -> assertThat(browser.texts(row("1@oms-worker"))).isEmpty());
        assertNoErrors();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void keepsTheFocusClearOfTheHeader(int lines) {
        ledger.execute("""
                insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                select %d, 'Rejected', now(), now(), now() from generate_series(1, 30)""".formatted(user));
        browser.resize(lines == 1 ? 1280 : 700, 400);
        browser.open(console + "#/orders?user_id=" + user);
        await(() -> assertThat(orderColumn()).hasSize(25));
        if (lines == 2) {
            // So it does at this width by itself, if the fonts and the counts in it are wide enough.
            browser.execute("document.querySelector('.brand').style.width = '100%'");
        }
        await(() -> assertThat((long) browser.execute("return document.querySelector('.top').offsetHeight"))
                .isBetween(lines * 35L, lines * 60L));
        browser.execute("[...document.querySelectorAll('td a')].at(-1).focus()");

        for (int tabs = 0; tabs < 50; tabs++) {
            browser.pressShift(Keys.TAB);

            assertThat(browser.execute("""
                            const focused = document.activeElement;
                            const header = document.querySelector('.top');
                            return header.contains(focused)
                                || focused.getBoundingClientRect().top >= header.getBoundingClientRect().bottom""")).as("after %d tabs", tabs + 1).isEqualTo(true);
        }
        assertNoErrors();
    }

    @Test
    void doesNotRepeatItselfOnTheChartsAxis() {
        browser.recordDrawnTexts();
        browser.resize(400, 800);
        for (String ago :
                List.of("12 seconds", "130 seconds", "5 minutes", "9 hours", "30 hours", "3 days", "400 days")) {
            ledger.execute("update stock_movements set created_at = now() - interval '%s' where inventory_item_id = %d"
                    .formatted(ago, item));

            browser.open(console + "#/inventory/" + item);

            await(() -> assertThat(axis()).as(ago).isNotEmpty());
            List<String> labels = axis();
            List<String> dates =
                    labels.stream().filter(label -> !label.contains(":")).toList();
            // A time may come again on another day.
            assertThat(dates.isEmpty() ? labels : dates).as(ago).doesNotHaveDuplicates();
        }
        assertNoErrors();
    }

    /** The labels of the time axis: times, dates. */
    private static List<String> axis() {
        return ((List<?>) browser.execute("return window.drawn"))
                .stream()
                        .map(String::valueOf)
                        .filter(text -> text.matches(".*[:A-Za-z].*"))
                        .toList();
    }

    @Test
    void showsExactTimesWithoutAPointer() {
        Shop.settled(Shop.order(user, Map.of(name, 1)));
        browser.open(console + "#/orders?user_id=" + user);
        await(() -> assertThat(browser.text("td[data-title=Placed]")).matches("just now|\\d+ s ago"));

        browser.click("#times");

        assertThat(browser.text("td[data-title=Placed]")).matches(".*\\b20\\d\\d\\b.*\\d\\d:\\d\\d:\\d\\d.*");
        browser.navigateTo("#/inventory/" + item);
        await(() -> assertThat(browser.text("[data-fact=Updated]")).contains(":"));
        browser.resize(400, 800);
        await(() -> assertThat(cutOff()).isEmpty());
        browser.click("#times");
        await(() -> assertThat(browser.text("[data-fact=Updated]")).matches("just now|\\d+ (s|min) ago"));
        assertNoErrors();
    }

    @Test
    void isolatesNames() {
        String hebrew = "\u05d0\u05d1 1 " + name;
        long trap = Shop.item(hebrew, 10, 0);
        long order = Shop.order(user, Map.of(hebrew, 1));
        Shop.settled(order);
        browser.open(console + "#/jobs");

        for (String page : List.of(
                "#/orders?user_id=" + user,
                "#/orders/" + order,
                "#/inventory?name=" + URLEncoder.encode(hebrew, StandardCharsets.UTF_8),
                "#/inventory/" + trap)) {
            browser.navigateTo(page);
            await(() -> assertThat(browser.text("main")).as(page).contains(hebrew));

            assertThat(browser.execute("""
                            const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
                            const bare = [];
                            while (texts.nextNode()) {
                                const {data, parentElement} = texts.currentNode;
                                if (data.includes('\u05d0') && !parentElement.closest('bdi')) bare.push(data);
                            }
                            return bare;""")).as(page).isEqualTo(List.of());
        }
        assertNoErrors();
    }

    @Test
    void worksByKeyboard() {
        long first = Shop.order(user, Map.of(name, 1));
        long second = Shop.order(user, Map.of(name, 2));
        ledger.awaitSettled();
        browser.open(console + "#/orders?user_id=" + user);
        await(() -> assertThat(orderColumn()).containsExactly(second + "", first + ""));

        browser.press(Keys.TAB);
        assertThat(browser.execute("return document.activeElement.textContent")).isEqualTo("Skip to content");
        for (int tabs = 0;
                tabs < 20
                        && !browser.execute("return document.activeElement.textContent")
                                .equals("Order");
                tabs++) {
            assertThat(browser.execute("return getComputedStyle(document.activeElement).outlineStyle"))
                    .as("the focus is visible")
                    .isEqualTo("solid");
            browser.press(Keys.TAB);
        }
        browser.press(Keys.ENTER);

        assertThat(orderColumn()).containsExactly(first + "", second + "");
        assertThat(browser.execute("return document.activeElement.closest('th').getAttribute('aria-sort')"))
                .isEqualTo("ascending");
        browser.press(Keys.ENTER);
        assertThat(orderColumn()).containsExactly(second + "", first + "");
        assertThat(browser.execute("return document.activeElement.closest('th').getAttribute('aria-sort')"))
                .isEqualTo("descending");

        browser.press(Keys.TAB);
        browser.press(Keys.TAB);
        browser.press(Keys.TAB);
        browser.press(Keys.TAB);
        browser.press(Keys.TAB);
        browser.press(Keys.ENTER);
        await(() -> assertThat(browser.text("h1")).isEqualTo("Order " + second));
        assertThat(browser.execute("return document.activeElement.tagName")).isEqualTo("H1");
        assertNoErrors();
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void isAccessible(String scheme) throws IOException {
        deadJob("no luck");
        browser.preferColourScheme(scheme);
        // Dark mode changes nothing but the colours.
        List<String> rules = scheme.equals("dark") ? List.of("color-contrast") : List.of();

        browser.open(console + "");
        await(() -> assertThat(browser.text("#live")).isEqualTo("Live"));

        for (String page : pages()) {
            browser.navigateTo(page);
            await(() -> assertThat(browser.texts("main .hint").toString()).doesNotContain("Loading"));

            assertThat(browser.accessibilityViolations(rules)).as(page).isEmpty();
        }
        browser.click("td .danger");
        await(() -> assertThat(browser.texts("dialog h2")).hasSize(1));
        assertThat(browser.accessibilityViolations(rules)).as("a dialog").isEmpty();
        assertNoErrors();
    }

    /** Every page of the console; the jobs come last. */
    private List<String> pages() {
        String low = Shop.uniqueName();
        Shop.item(low, 1, 50);
        long order = Shop.order(user, Map.of(name, 1));
        Shop.settled(order);
        long webhook = TestWebhooks.add(ledger, "https://shop.example/" + "x".repeat(200));
        TestWebhooks.attempt(ledger, webhook, TestWebhooks.lastEvent(ledger), false, "y".repeat(1_000));
        return List.of(
                "#/orders",
                "#/orders/" + order,
                "#/inventory",
                "#/inventory/" + item,
                "#/webhooks",
                "#/webhooks/" + webhook,
                "#/nowhere",
                "#/flow",
                "#/jobs");
    }

    private String figure(String tile) {
        return (String) browser.execute("return [...document.querySelectorAll('.tile')]"
                + ".find((tile) => tile.querySelector('dt').textContent === '" + tile + "')"
                + "?.querySelector('.figure').textContent ?? ''");
    }

    private List<String> orderColumn() {
        return browser.texts("td[data-title=Order]");
    }

    private static Comparator<String> newestFirst() {
        return Comparator.comparing(Long::valueOf, Comparator.reverseOrder());
    }

    private static String row(String keyStart) {
        return "tr[data-key^='" + keyStart + "']";
    }

    private static String row(long key) {
        return "tr[data-key='" + key + "']";
    }

    private void assertNoErrors() {
        assertThat(browser.errors(origin())).isEmpty();
    }

    /**
     * Asserts that the test caused responses with these statuses, which the browser logs as errors, and no other
     * errors.
     */
    private void assertOnlyErrors(Integer... statuses) {
        assertThat(browser.errors(origin()))
                .isNotEmpty()
                .allSatisfy(error -> assertThat(List.of(statuses))
                        .anySatisfy(status -> assertThat(error).contains(status.toString())));
    }

    /** Adds an order whose job has used up its 25 attempts, and returns its id. */
    private long deadJob(String error) {
        return Long.parseLong(ledger.texts("""
                with o as (insert into orders (user_id, status, due, enqueued_at, created_at, updated_at)
                        values (%d, 'Pending', 'RESTORATION', now(), now(), now()) returning id),
                    l as (insert into order_lines select id, %d, 1 from o),
                    f as (insert into failed_jobs select id, 25, '%s', null, now() from o)
                select id from o""".formatted(user, item, error)).getFirst());
    }
}
