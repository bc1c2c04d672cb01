package dev.oms.start;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.oms.LogLines;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Data that was restored without its sequences. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class AdvanceSequencesTest {
    @Inject
    AdvanceSequences advanceSequences;

    /** For the other tests, whatever happens here. */
    @AfterEach
    void start() throws SQLException {
        advanceSequences.onStart(new StartupEvent());
    }

    @Test
    void knowsEverySequence() {
        assertThat(AdvanceSequences.ALL.stream().map(AdvanceSequences.Ids::toString))
                .containsExactlyElementsOf(OmsServers.ledger().texts("""
                        select c.relname || '.' || a.attname from pg_attribute a join pg_class c on c.oid = a.attrelid
                        where a.attidentity <> '' and pg_table_is_visible(c.oid) order by 1"""));
    }

    @ParameterizedTest
    @CsvSource({"1, true", "1, false", "2, true"})
    void keepsTheLedgerInOrder(int sequence, boolean isCalled) throws SQLException {
        long item = Shop.item(Shop.uniqueName(), 5, 0);
        Shop.correct(item, 7).then().statusCode(200);
        OmsServers.ledger().execute("select setval('stock_movements_id_seq', %d, %b)".formatted(sequence, isCalled));

        start();

        Shop.correct(item, 4).then().statusCode(200);
        assertThat(given().get("/inventory_items/{id}/movements", item)
                        .jsonPath()
                        .<Integer>getList("quantity_after"))
                .containsExactly(4, 7, 5);
        OmsServers.ledger().assertConsistent();
    }

    @Test
    void keepsEveryTableWritable() throws SQLException {
        for (AdvanceSequences.Ids ids : AdvanceSequences.ALL) {
            OmsServers.ledger()
                    .execute("select setval(pg_get_serial_sequence('%s', '%s'), 1)"
                            .formatted(ids.table(), ids.column()));
        }

        try (LogLines log = new LogLines(AdvanceSequences.class.getName())) {
            start();

            assertThat(log.lines())
                    .filteredOn(line -> line.contains("out of order"))
                    .singleElement()
                    .asString()
                    .contains("stock_movements.id");
        }

        String name = Shop.uniqueName();
        Shop.item(name, 5, 0);
        Shop.order(Shop.user(), Map.of(name, 1));
    }

    @Test
    void leavesASequenceAloneThatIsRight() throws SQLException {
        Shop.item(Shop.uniqueName(), 5, 0);
        List<String> before = sequences();

        start();

        assertThat(sequences()).isEqualTo(before);
    }

    /** In 3 s, as where there are many items and nothing is cached. The lock must not be waited for longer than 5 s. */
    @Test
    void waitsForTheLedger() throws Exception {
        Shop.item(Shop.uniqueName(), 5, 0);
        // A slow machine gets another try.
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
            OmsServers.ledger().execute("select setval('stock_movements_id_seq', 1)");
            try (LogLines log = new LogLines(AdvanceSequences.class.getName());
                    Connection other = OmsServers.ledger().connect();
                    Statement statement = other.createStatement()) {
                other.setAutoCommit(false);
                statement.execute("lock table stock_movements in access exclusive mode");
                CompletableFuture<Void> commit = CompletableFuture.runAsync(() -> {
                    try {
                        Thread.sleep(3_000);
                        other.commit();
                    } catch (InterruptedException | SQLException e) {
                        throw new IllegalStateException(e);
                    }
                });

                start();

                commit.get(30, TimeUnit.SECONDS);
                assertThat(log.lines())
                        .singleElement()
                        .asString()
                        .startsWith("WARN The sequence of stock_movements.id was at 1,");
            }
        });
    }

    @Test
    void startsThoughTheLedgerCannotBeReadInTime() throws SQLException {
        try (LogLines log = new LogLines(AdvanceSequences.class.getName());
                Connection other = OmsServers.ledger().connect();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("lock table stock_movements in access exclusive mode");

            start();

            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .startsWith("WARN It is not known whether the sequence of stock_movements.id is behind (");
        }
    }

    private static List<String> sequences() {
        return OmsServers.ledger().texts("select sequencename || ' ' || coalesce(last_value, 0) from pg_sequences");
    }
}
