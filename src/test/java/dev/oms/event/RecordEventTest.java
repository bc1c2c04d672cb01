package dev.oms.event;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import dev.oms.job.Settling;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import io.restassured.response.Response;
import io.restassured.specification.RequestSpecification;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What each change writes into the table of events, and that it does so only together with the change. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class RecordEventTest {
    private final Ledger ledger = OmsServers.ledger();
    private final Settling settling = new Settling();
    private long user;
    private String name;
    private long item;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        name = Shop.uniqueName();
        item = Shop.item(name, 10, 5);
    }

    /** In the order of the feed. */
    private List<String> events(String subject, long id) {
        return ledger.texts("""
                select concat_ws(' ', version, type, regexp_replace(actor, '^worker .*', 'worker'), detail) from events
                where subject = '%s' and subject_id = %d order by position""".formatted(subject, id));
    }

    private static RequestSpecification by(String actor) {
        return given().header("OMS-Actor", actor).contentType(ContentType.JSON);
    }

    private Response adjust(int delta) {
        return by("Ann")
                .body(Map.of("delta", delta, "reason", "damaged", "reference", "R 1"))
                .post("/inventory_items/{id}/adjust", item);
    }

    @Test
    void tellsTheWayOfAnOrder() {
        long order = Shop.order(user, Map.of(name, 1));
        Shop.update(order, "Received");
        settling.settle(order);
        by("Ann").body(Map.of("status", "OutForDelivery")).put("/orders/{id}/update_status", order);
        by("Bob").body(Map.of("status", "Delivered")).put("/orders/{id}/update_status", order);

        assertThat(events("order", order))
                .containsExactly(
                        "0 order.placed api {\"items\": {\"%s\": 1}, \"user_id\": %d}".formatted(name, user),
                        "1 order.received api",
                        "2 order.confirmed worker",
                        "3 order.out_for_delivery Ann",
                        "4 order.delivered Bob");
    }

    @Test
    void tellsACancellationAndWhatFollowsIt() {
        long order = Shop.order(user, Map.of(name, 1));
        settling.settle(order);
        by("Ann").post("/orders/{id}/cancel", order);
        by("Bob").post("/orders/{id}/cancel", order);
        settling.settle(order);

        assertThat(events("order", order))
                .endsWith("1 order.confirmed worker", "2 order.cancelled Ann", "3 order.restored worker")
                .hasSize(4);
    }

    @Test
    void namesTheItemsThatWereShortAsTheyWereOrdered() {
        String other = Shop.uniqueName();
        Shop.item(other, 5, 0);
        long order = Shop.order(user, Map.of(name, 11, other, 5));
        by("Ann").body(Map.of("name", Shop.uniqueName())).put("/inventory_items/{id}", item);

        settling.settle(order);

        assertThat(events("order", order))
                .last()
                .isEqualTo("1 order.rejected worker {\"short\": [\"%s\"]}".formatted(name));
    }

    @Test
    void tellsThatAnAdjustmentWasGivenUp() {
        long order = Shop.order(user, Map.of(name, 1));
        ledger.execute("insert into failed_jobs values (%d, 25, 'cannot be settled', null, now())".formatted(order));

        by("Ann").delete("/jobs/failed/{id}", order).then().statusCode(204);

        assertThat(events("order", order)).last().isEqualTo("1 order.abandoned Ann {\"status\": \"Rejected\"}");
    }

    @Test
    void tellsWhoPlacedAnOrderAndOnceForEachKey() {
        for (int i = 0; i < 2; i++) {
            by("Ann")
                    .header("Idempotency-Key", "\"once\"")
                    .body(Map.of("items", Map.of(name, 2)))
                    .post("/orders?user_id=" + user)
                    .then()
                    .statusCode(201);
        }

        assertThat(ledger.texts("select concat_ws(' ', version, type, actor, detail) from events"
                        + " where type = 'order.placed' and detail->>'user_id' = '%d'".formatted(user)))
                .containsExactly("0 order.placed Ann {\"items\": {\"%s\": 2}, \"user_id\": %d}".formatted(name, user));
    }

    @Test
    void tellsWhatIsCorrectedAndThatItIsLowOncePerCrossing() {
        by("Ann").body(Map.of("quantity", 5, "reason", "counted")).put("/inventory_items/{id}", item);
        by("Ann").body(Map.of("quantity", 4)).put("/inventory_items/{id}", item);
        adjust(-1);
        adjust(-9);
        adjust(2);
        adjust(-1);
        by("Bob").body(Map.of("threshold", 4)).put("/inventory_items/{id}", item);
        by("Bob").body(Map.of("threshold", 9)).put("/inventory_items/{id}", item);

        String details = "\"name\": \"%s\", \"reason\": \"damaged\", \"quantity\": ".formatted(name);
        String low = "{\"name\": \"%s\", \"quantity\": 4, \"threshold\": ".formatted(name);
        assertThat(events("item", item))
                .containsExactly(
                        "0 item.added api {\"name\": \"%s\", \"quantity\": 10, \"threshold\": 5}".formatted(name),
                        "1 item.corrected Ann {\"name\": \"%s\", \"delta\": -5, \"reason\": \"counted\", \"quantity\": 5}"
                                .formatted(name),
                        "2 item.corrected Ann {\"name\": \"%s\", \"delta\": -1, \"quantity\": 4}".formatted(name),
                        "2 item.low_stock Ann " + low + "5}",
                        "3 item.corrected Ann {\"name\": \"%s\", \"delta\": -1, \"reason\": \"damaged\", \"quantity\": 3, \"reference\": \"R 1\"}"
                                .formatted(name),
                        "4 item.corrected Ann {\"name\": \"%s\", \"delta\": 2, \"reason\": \"damaged\", \"quantity\": 5, \"reference\": \"R 1\"}"
                                .formatted(name),
                        "5 item.corrected Ann {\"name\": \"%s\", \"delta\": -1, \"reason\": \"damaged\", \"quantity\": 4, \"reference\": \"R 1\"}"
                                .formatted(name),
                        "5 item.low_stock Ann " + low + "5}",
                        "7 item.low_stock Bob " + low + "9}");
    }

    @Test
    void tellsTheOrdersOfABatchAsTheyWereDecidedAndThenWhatIsLow() {
        long[] orders = {
            Shop.order(user, Map.of(name, 5)), Shop.order(user, Map.of(name, 1)), Shop.order(user, Map.of(name, 9))
        };
        long before =
                Long.parseLong(ledger.texts("select max(position) from events").getFirst());

        settling.settle(orders[2], orders[1], orders[0]);

        assertThat(ledger.texts("""
                        select concat_ws(' ', subject_id, version, type, detail) from events
                        where position > %d and (subject = 'item' and subject_id = %d or subject_id in (%d, %d, %d))
                        order by position""".formatted(before, item, orders[0], orders[1], orders[2])))
                .containsExactly(
                        orders[0] + " 1 order.confirmed",
                        orders[1] + " 1 order.confirmed",
                        orders[2] + " 1 order.rejected {\"short\": [\"%s\"]}".formatted(name),
                        item
                                + " 1 item.low_stock {\"name\": \"%s\", \"quantity\": 4, \"threshold\": 5}"
                                        .formatted(name));
    }

    @Test
    void tellsEveryCrossingOfABatch() {
        long first = Shop.order(user, Map.of(name, 5));
        settling.settle(first);
        Shop.cancel(first);
        long second = Shop.order(user, Map.of(name, 6));
        adjust(-1);

        settling.settle(first, second);

        assertThat(events("item", item).stream().filter(event -> event.contains("low_stock")))
                .containsExactly(
                        "2 item.low_stock Ann {\"name\": \"%s\", \"quantity\": 4, \"threshold\": 5}".formatted(name),
                        "3 item.low_stock worker {\"name\": \"%s\", \"quantity\": 3, \"threshold\": 5}"
                                .formatted(name));
    }

    @Test
    void tellsThatAnItemIsOffSaleWhetherItIsKeptOrNot() {
        String other = Shop.uniqueName();
        long unordered = Shop.item(other, 1, 0);
        Shop.order(user, Map.of(name, 1));

        by("Ann").delete("/inventory_items/{id}", item).then().statusCode(204);
        by("Bob").delete("/inventory_items/{id}", unordered).then().statusCode(204);

        assertThat(events("item", item)).last().isEqualTo("1 item.archived Ann {\"name\": \"%s\"}".formatted(name));
        assertThat(events("item", unordered))
                .last()
                .isEqualTo("1 item.archived Bob {\"name\": \"%s\"}".formatted(other));
        assertThat(ledger.count("inventory_items where id = " + unordered)).isZero();
    }

    @Test
    void tellsNothingOfWhatIsRefusedOrChangesNothing() {
        String taken = Shop.uniqueName();
        Shop.item(taken, 1, 0);
        long before = ledger.count("events");

        adjust(-11);
        by("Ann").body(Map.of("quantity", 4, "name", taken)).put("/inventory_items/{id}", item);
        by("Ann").body(Map.of("quantity", 10, "name", name)).put("/inventory_items/{id}", item);
        by("Ann").body(Map.of("name", name, "quantity", 1, "threshold", 1)).post("/inventory_items");
        by("Ann").body(Map.of("items", Map.of(name, 1, "no such thing", 1))).post("/orders?user_id=" + user);

        assertThat(ledger.count("events")).isEqualTo(before);
    }

    /** As if the commit failed: a deferred trigger fails it. */
    @Test
    void isCommittedWithTheChangeOrNotAtAll() {
        long order = Shop.order(user, Map.of(name, 1));
        ledger.execute("""
                create function fail_commit() returns trigger language plpgsql as $$
                begin raise exception 'no event for %, please', new.subject_id; end $$""");
        ledger.execute("""
                create constraint trigger fail_commit after insert on events deferrable initially deferred
                for each row execute function fail_commit()""");
        long before = ledger.count("events");
        try {
            assertThat(Shop.cancel(order).statusCode()).isGreaterThanOrEqualTo(500);
            assertThat(adjust(-6).statusCode()).isGreaterThanOrEqualTo(500);
            assertThat(by("Ann")
                            .body(Map.of("items", Map.of(name, 1)))
                            .post("/orders?user_id=" + user)
                            .statusCode())
                    .isGreaterThanOrEqualTo(500);
        } finally {
            ledger.execute("drop trigger fail_commit on events");
            ledger.execute("drop function fail_commit()");
        }

        assertThat(ledger.count("events")).isEqualTo(before);
        assertThat(Shop.status(order)).isEqualTo("Pending");
        assertThat(Shop.quantity(item)).isEqualTo(10);
        assertThat(ledger.count("orders where user_id = " + user)).isOne();
    }
}
