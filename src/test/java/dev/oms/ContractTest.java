package dev.oms;

import static io.restassured.RestAssured.given;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.job.Settling;
import dev.oms.webhook.TestWebhooks;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Compares every kind of response with {@code contract.http}, to the letter. An intended change is written there by
 * {@code ./mvnw test -Dtest=ContractTest -Doms.contract.write}.
 */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class ContractTest {
    private static final Path CONTRACT = Path.of("src/test/resources/contract.http");
    private static final List<String> HEADERS = List.of(
            "Content-Type",
            "Location",
            "Link",
            "ETag",
            "Idempotency-Replayed",
            "Preference-Applied",
            "Allow",
            "Retry-After");

    private final Settling settling = new Settling();
    private final Ledger ledger = OmsServers.ledger();
    private final String burger = Shop.uniqueName();
    private final String fries = Shop.uniqueName();
    private final String email = Shop.uniqueName().replace(' ', '.') + "@example.com";
    private final String phone = Shop.uniquePhone();
    private final StringBuilder contract = new StringBuilder();

    @Test
    void respondsAsInTheContract() throws IOException {
        ledger.execute("truncate failed_jobs");
        String order = """
                {"order":{"items":{"%s":2,"%s":1}}}""".formatted(burger, fries);
        String somebody = """
                {"user":{"name":"Ann","email":"%s","phone":"%s"}}""".formatted(email, phone);

        long user = id(call("POST", "/users", somebody));
        call("GET", "/users/" + user);
        call("POST", "/users", somebody);
        long item = id(call("POST", "/inventory_items", """
                {"inventory_item":{"name":"%s","quantity":10,"threshold":3}}""".formatted(burger)));
        long side = id(call("POST", "/inventory_items", """
                {"name":"%s","quantity":5,"threshold":5}""".formatted(fries)));
        call("PUT", "/inventory_items/" + item, """
                {"quantity":9,"reason":"recount"}""");
        call("POST", "/inventory_items/" + item + "/adjust", """
                {"delta":2,"reason":"delivered","reference":"note 7"}""", "OMS-Actor", "warehouse 7");
        call("POST", "/inventory_items/" + item + "/adjust", """
                {"delta":-12,"reason":"damaged"}""");
        call("POST", "/inventory_items/" + item + "/adjust", """
                {"delta":-2,"reason":"damaged"}""");
        call("GET", "/inventory_items/" + item);
        call("PUT", "/inventory_items/" + item, "{\"threshold\":4}", "If-Match", "\"77\"");
        call("PUT", "/inventory_items/" + item, "{\"threshold\":-1,\"quantity\":1.5}");
        long placed = id(call("POST", "/orders?user_id=" + user, order));
        call("GET", "/orders/" + placed);
        settling.settle(placed);
        call("GET", "/orders/" + placed);
        call("GET", "/orders/" + placed, null, "If-None-Match", "\"1\"");
        call("GET", "/orders/" + placed, null, "If-None-Match", "\"1\"", "Prefer", "wait=1");
        call("PUT", "/orders/" + placed + "/update_status", "{\"status\":\"Received\"}");
        call("PUT", "/orders/" + placed + "/update_status", "{\"status\":\"OutForDelivery\"}");
        call("PUT", "/orders/" + placed + "/update_status", "{\"status\":\"Lost\"}");
        call("POST", "/orders/" + placed + "/cancel");
        settling.settle(placed);
        call("GET", "/inventory_items/" + item + "/movements");
        call("GET", "/orders/" + placed + "/movements");
        long keyed = id(call("POST", "/orders?user_id=" + user, order, "Idempotency-Key", "\"k1\""));
        call("POST", "/orders?user_id=" + user, order, "Idempotency-Key", "\"k1\"");
        call("POST", "/orders?user_id=" + user, order, "Idempotency-Key", "\"k1\"", "Prefer", "wait=1");
        call("POST", "/orders?user_id=" + user, "{\"items\":{\"" + fries + "\":9}}", "Idempotency-Key", "k1");
        call("GET", "/users/" + user + "/orders?limit=1");
        call("GET", "/orders?limit=x");
        call("GET", "/orders/999999999999");
        call("POST", "/orders", order);
        call("POST", "/orders?user_id=" + user, "{\"items\":{\"nothing of ours\":1}}");
        call("POST", "/orders?user_id=" + user, "{\"items\":{\"" + fries + "\":0}}");
        call("POST", "/orders?user_id=" + user, "{\"items\":");
        call("POST", "/orders?user_id=" + user, "two burgers", "Content-Type", "text/plain");
        call("DELETE", "/orders/" + placed);
        call("GET", "/nowhere");

        long tooLarge = id(call("POST", "/orders?user_id=" + user, "{\"items\":{\"" + fries + "\":9}}"));
        settling.settle(keyed, tooLarge);
        call("GET", "/orders/" + tooLarge);
        ledger.execute("insert into failed_jobs values (%d, 25, 'Order is odd', null, now())".formatted(placed));
        call("GET", "/jobs");
        call("GET", "/jobs/failed?limit=1");
        call("POST", "/jobs/failed/" + placed + "/retry");
        call("POST", "/jobs/failed/retry");
        call("DELETE", "/jobs/failed/" + placed);
        ledger.execute("update inventory_items set quantity = quantity + 1 where id = " + side);
        PackagedWorker.startAuditor();
        Shop.awaitAudit(id(call("POST", "/inventory_items/audit")));
        call("GET", "/inventory_items/audit");
        ledger.execute("update inventory_items set quantity = quantity - 1 where id = " + side);
        call("DELETE", "/inventory_items/" + side);
        call("GET", "/events?after=end");
        call("GET", "/events?after=AAAAAAAAAAEAAAAAAAAAAg");
        call("GET", "/events?after=x");
        long webhook = id(call("POST", "/webhooks", """
                {"url":"https://shop.example/oms","types":["order.rejected"],"description":"the shop"}"""));
        call("POST", "/webhooks", "{\"url\":\"shop.example\"}");
        call("GET", "/webhooks/" + webhook);
        call("PATCH", "/webhooks/" + webhook, "{\"types\":[]}");
        call("POST", "/webhooks/" + webhook + "/rotate_secret");
        call("POST", "/webhooks/" + webhook + "/test");
        TestWebhooks.attempt(ledger, webhook, 0, false, "oops");
        call("GET", "/webhooks/" + webhook + "/attempts?outcome=failed");
        call("POST", "/webhooks/" + webhook + "/replay", "{\"after\":\"yesterday\"}");
        call("POST", "/webhooks/" + webhook + "/disable", null, "OMS-Actor", "Anna");
        call("POST", "/webhooks/" + webhook + "/test");
        call("POST", "/webhooks/" + webhook + "/enable", "{\"from_now\":true}");
        call("DELETE", "/webhooks/" + webhook);
        call("GET", "/webhooks/" + webhook);

        if (System.getProperty("oms.contract.write") != null) {
            Files.writeString(CONTRACT, contract);
        }
        assertThat(contract.toString()).isEqualTo(Files.readString(CONTRACT, UTF_8));
    }

    private Response call(String method, String target) {
        return call(method, target, null);
    }

    private Response call(String method, String target, String body, String... header) {
        RequestSpecification request = given().urlEncodingEnabled(false);
        contract.append("### ")
                .append(method)
                .append(' ')
                .append(masked(target))
                .append('\n');
        for (int i = 0; i < header.length; i += 2) {
            request.header(header[i], header[i + 1]);
            contract.append(header[i]).append(": ").append(header[i + 1]).append('\n');
        }
        if (body != null) {
            if (header.length == 0 || !header[0].equals("Content-Type")) {
                request.contentType("application/json");
            }
            request.body(body);
            contract.append(masked(body)).append('\n');
        }
        Response response = request.request(method, target);
        contract.append('\n').append(response.statusCode()).append('\n');
        for (String name : HEADERS) {
            if (response.header(name) != null) {
                contract.append(name)
                        .append(": ")
                        .append(masked(response.header(name)))
                        .append('\n');
            }
        }
        contract.append(masked(response.asString())).append("\n\n");
        return response;
    }

    private static long id(Response response) {
        return response.jsonPath().getLong("id");
    }

    /** Replaces everything that differs between runs by placeholders. */
    private String masked(String text) {
        return text.replace(burger, "<burger>")
                .replace(fries, "<fries>")
                .replace(email, "<email>")
                .replace(phone, "<phone>")
                .replaceAll("http://localhost:\\d+", "")
                .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z", "<time>")
                // Made of the page, and so of its ids and times.
                .replaceAll("W/\"[\\w-]{16}\"", "W/\"<tag>\"")
                .replaceAll("(\"(?:id|user_id|order_id|inventory_item_id)\":)\\d+", "$1<id>")
                .replaceAll("/(orders|users|inventory_items|failed|webhooks)/\\d+", "/$1/<id>")
                .replaceAll("([?&](?:user_id|after)=)\\d+", "$1<id>")
                .replaceAll("\\b([Oo]rder|[Uu]ser|[Ii]tem|[Ww]ebhook) \\d+", "$1 <id>")
                .replaceAll("(\"next\":)\"[\\w-]{22}\"", "$1\"<cursor>\"")
                .replaceAll(
                        "(\"(?:depth|oldest_age_seconds|in_flight|settled|lag_events|lag_seconds)\":)\\d+",
                        "$1<number>")
                .replaceAll("whsec_[\\w+/]+=", "<secret>")
                // An integration test has a worker process, a unit test has none. JobResourceTest covers this part.
                .replaceAll("worker [^\"]+", "<worker>")
                .replaceAll("\"workers\":\\[.*?],\"last_reconciliation\":(?:null|\\{.*?})", "<workers>");
    }
}
