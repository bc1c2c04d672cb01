package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.access.TestKeys;
import dev.oms.access.WithKeys;
import dev.oms.http.RawHttp.Response;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import io.restassured.builder.RequestSpecBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;

/**
 * Fuzzes with the keys of an administrator, a shop and two customers, and without one. No response to a customer holds
 * anything of another user.
 */
@QuarkusTest
@TestProfile(WithKeys.class)
@WithTestResource(OmsServers.class)
class FuzzWithKeysTest extends FuzzTest {
    /**
     * A request may revoke or roll a key of this test. Then there are new ones at once, and now and then in any case: a
     * fuzzed path may have done it unnoticed.
     */
    private static final int NEW_KEYS_EVERY = 25;

    private static final Pattern ORDER = Pattern.compile("/orders/(\\d{1,18})(/[a-z_]+)?");

    private record User(long id, String mark) {}

    private record Account(String name, String key, User boundTo) {}

    private final Random random = new Random(Long.getLong("oms.fuzz.seed", 1));
    private final List<User> customers = new ArrayList<>();
    private final List<Account> accounts = new ArrayList<>();
    private final Map<String, Map<Integer, Integer>> statuses = new TreeMap<>();
    private Account current;
    private int sent;

    /** Many are refused. */
    @Override
    int requests() {
        return 3 * REQUESTS;
    }

    /** Two customers with orders for items that are on sale. */
    @Override
    void prepare(RequestFuzzer fuzzer) {
        RestAssured.requestSpecification = new RequestSpecBuilder()
                .addHeader("Authorization", "Bearer " + TestKeys.admin(ledger))
                .build();
        List<String> items = List.of(Shop.uniqueName(), Shop.uniqueName(), Shop.uniqueName());
        items.forEach(item -> fuzzer.knowItem(Shop.item(item, 10_000, 0), item));
        for (String name : List.of("anna", "bert")) {
            String mark = name + System.nanoTime();
            User user =
                    new User(Long.parseLong(ledger.texts("""
                            insert into users (name, email, phone, created_at, updated_at)
                            values ('%1$s', '%1$s@example.com', right('%1$s', 10), now(), now())
                            returning id""".formatted(mark)).getFirst()), mark);
            customers.add(user);
            fuzzer.know("users", user.id());
            items.forEach(item -> fuzzer.know("orders", Shop.order(user.id(), Map.of(item, 1))));
        }
        RestAssured.requestSpecification = null;
    }

    private void createKeys() {
        accounts.clear();
        String admin = TestKeys.admin(ledger);
        for (int i = 0; i < 4; i++) {
            accounts.add(new Account("admin", admin, null));
        }
        accounts.add(new Account("storefront", TestKeys.ofRole(ledger, "storefront"), null));
        accounts.add(new Account("nobody", null, null));
        for (User customer : customers) {
            String key = TestKeys.ofUser(ledger, customer.id());
            accounts.add(new Account("customer", key, customer));
            accounts.add(new Account("customer", key, customer));
        }
    }

    @Override
    void authorize(FuzzedRequest request) {
        if (accounts.isEmpty() || sent++ % NEW_KEYS_EVERY == 0) {
            createKeys();
        }
        current = accounts.get(random.nextInt(accounts.size()));
        if (current.key() != null) {
            request.setHeader("Authorization", "Bearer " + current.key());
        }
    }

    @Override
    boolean isAllowedOutsideDocument(int status) {
        return status == 401 || status == 403 || status == 429 || super.isAllowedOutsideDocument(status);
    }

    @Override
    String wrongWithAccess(FuzzedRequest request, Response response) {
        statuses.computeIfAbsent(current.name(), name -> new TreeMap<>()).merge(response.status(), 1, Integer::sum);
        if (response.status() < 300
                && !request.method.equals("GET")
                && request.call.path().startsWith("/api_keys/")) {
            accounts.clear();
        }
        User user = current.boundTo();
        if (user == null) {
            return null;
        }
        for (User other : customers) {
            if (other != user && (response.text() + response.headers()).contains(other.mark())) {
                return "a customer is shown another user's name";
            }
        }
        if (response.status() >= 300 || !response.text().matches("(?s)[\\[{].*")) {
            return null;
        }
        JsonNode body = OpenApiDocument.read(response.text());
        List<String> orders = new ArrayList<>(body.findValuesAsText("order_id"));
        Matcher order = ORDER.matcher(request.path);
        if (order.matches()) {
            orders.add(order.group(1));
        }
        boolean isAnothers = body.findValuesAsText("user_id").stream()
                        .anyMatch(owner -> !owner.equals(Long.toString(user.id())))
                || orders.stream()
                        .filter(id -> id.matches("\\d+"))
                        .anyMatch(id ->
                                ledger.count("orders where id = %s and user_id <> %d".formatted(id, user.id())) > 0);
        return isAnothers ? "a customer is shown another user's order" : null;
    }

    @AfterEach
    void everybodyWasServedAndRefused() {
        assertThat(statuses).containsOnlyKeys("admin", "customer", "nobody", "storefront");
        assertThat(statuses.get("admin")).containsKeys(200, 201);
        assertThat(statuses.get("storefront")).containsKeys(200, 403);
        assertThat(statuses.get("customer")).containsKeys(200, 403, 404);
        assertThat(statuses.get("nobody")).containsKey(401).doesNotContainKey(201);
        // Whatever is asked with a key that is no longer valid tests nothing.
        for (String account : List.of("admin", "storefront", "customer")) {
            Map<Integer, Integer> counts = statuses.get(account);
            assertThat(20 * counts.getOrDefault(401, 0))
                    .as("401s of the %s: %s", account, counts)
                    .isLessThanOrEqualTo(
                            counts.values().stream().mapToInt(Integer::intValue).sum());
        }
    }
}
