package dev.oms.rails;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.oms.Ledger;
import dev.oms.http.Texts;
import dev.oms.rails.ImportRails.Outcome;
import dev.oms.rails.ImportRails.Request;
import dev.oms.start.MigratedDatabases;
import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.api.security.NamePrincipal;
import io.agroal.api.security.SimplePassword;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.PGConnection;
import org.postgresql.ds.PGSimpleDataSource;

/** Taking over a database of the Rails service: between two real databases, each test with its own. */
class ImportRailsTest {
    @TempDir
    private Path directory;

    private RailsShop rails;
    private PGSimpleDataSource database;
    private Ledger oms;

    @BeforeEach
    void createDatabases() {
        rails = RailsShop.create();
        database = MigratedDatabases.create();
        oms = new Ledger(database);
    }

    private Outcome run() throws SQLException {
        return run(database);
    }

    private Outcome run(PGSimpleDataSource target) throws SQLException {
        return new ImportRails(target, Clock.systemUTC()).run(request(rails.url()));
    }

    private Request request(String url) {
        return new Request(url, Optional.of("postgres"), Optional.of("postgres"), directory.resolve("rejects.csv"));
    }

    private List<String> rejects() throws IOException {
        List<String> lines = Files.readAllLines(directory.resolve("rejects.csv"));
        assertThat(lines.getFirst()).isEqualTo("table,id,reason");
        return lines.subList(1, lines.size());
    }

    /** The ledger of an item, oldest first: kind, order, delta, quantity after. */
    private List<String> ledgerOf(long item) {
        return oms.texts(
                "select concat_ws(' ', kind, order_id, delta, quantity_after) from stock_movements where inventory_item_id = "
                        + item + " order by id");
    }

    private List<String> orders() {
        return oms.texts("select concat_ws(' ', id, user_id, status, due) from orders order by id");
    }

    @Test
    void keepsIdsAndTimes() throws SQLException, IOException {
        rails.user(7);
        rails.item(11, "burger", 90);
        rails.order(23, 7L, "Delivered", "{\"burger\": 2}");

        Outcome outcome = run();

        assertThat(outcome).isEqualTo(new Outcome(1, 1, 1, 0));
        assertThat(rejects()).isEmpty();
        assertThat(
                        oms.texts(
                                "select concat_ws('|', id, name, email, phone, created_at at time zone 'UTC', updated_at at time zone 'UTC') from users"))
                .containsExactly("7|User 7|u7@example.com|0000000007|2025-01-01 10:00:00.123456|2025-01-02 00:00:00");
        assertThat(
                        oms.texts(
                                "select concat_ws('|', id, name, quantity, threshold, created_at at time zone 'UTC') from inventory_items"))
                .containsExactly("11|burger|90|5|2025-01-01 10:00:00");
        assertThat(
                        oms.texts(
                                "select concat_ws('|', id, user_id, status, due, created_at at time zone 'UTC', updated_at at time zone 'UTC') from orders"))
                .containsExactly("23|7|Delivered|2025-02-01 10:00:00.123456|2025-02-02 00:00:00");
        assertThat(oms.texts(
                        "select concat_ws(' ', order_id, inventory_item_id, quantity, item_name) from order_lines"))
                .containsExactly("23 11 2 burger");
        assertThat(oms.texts("select concat_ws(' ', subject, subject_id, type, actor) from events"))
                .containsExactly("order 23 order.delivered --import");
        oms.assertConsistent();
    }

    @Test
    void movesTheSequencesOn() throws SQLException {
        rails.user(7);
        rails.item(11, "burger", 90);
        rails.order(23, 7L, "Delivered", "{\"burger\": 2}");

        run();

        assertThat(oms.texts("select nextval(name) from unnest(array['users_id_seq', 'inventory_items_id_seq', "
                        + "'orders_id_seq']) name"))
                .containsExactly("8", "12", "24");
    }

    /** All later rows would have ids above it: items that cannot be sorted, and no users and orders at all. */
    @Test
    void doesNotMoveTheSequencesToAnIdThatIsTooHigh() throws SQLException, IOException {
        rails.user(7);
        rails.user(Long.MAX_VALUE);
        rails.item(11, "burger", 90);
        rails.item(1L << 31, "stray", 1);
        rails.order(23, 7L, "Delivered", "{\"burger\": 2}");
        rails.order(1L << 52, 7L, "Delivered", "{\"burger\": 2}");
        rails.order(Long.MAX_VALUE, 7L, "Delivered", "{\"burger\": 2}");

        run();

        assertThat(rejects())
                .containsExactly(
                        "users,9223372036854775807,\"has an id that is not between 1 and 4503599627370495\"",
                        "inventory_items,2147483648,\"has an id that is not between 1 and 2147483647\"",
                        "orders,4503599627370496,\"has an id that is not between 1 and 4503599627370495\"",
                        "orders,9223372036854775807,\"has an id that is not between 1 and 4503599627370495\"");
        assertThat(orders()).containsExactly("23 7 Delivered");
        assertThat(oms.texts("select nextval(name) from unnest(array['users_id_seq', 'inventory_items_id_seq', "
                        + "'orders_id_seq']) name"))
                .containsExactly("8", "12", "24");
    }

    @Test
    void explainsTheStockAndWhatOrdersTook() throws SQLException {
        rails.user(1);
        rails.item(1, "burger", 90);
        rails.item(2, "fries", 0);
        rails.order(1, 1L, "Confirmed", "{\"burger\": 2, \"fries\": \"3\"}");
        rails.order(2, 1L, "OutForDelivery", "{\"burger\": 3.0}");
        rails.order(3, 1L, "Delivered", "{\"burger\": \"4\"}");
        rails.order(4, 1L, "Cancelled", "{\"burger\": 5}");
        rails.order(5, 1L, "Rejected", "{\"burger\": 500}");
        rails.order(6, 1L, "Pending", "{\"burger\": 1}");
        rails.order(7, 1L, "Received", "{\"burger\": 1}");

        run();

        assertThat(ledgerOf(1))
                .containsExactly("OPENING 99 99", "DEDUCTION 1 -2 97", "DEDUCTION 2 -3 94", "DEDUCTION 3 -4 90");
        assertThat(ledgerOf(2)).containsExactly("OPENING 3 3", "DEDUCTION 1 -3 0");
        assertThat(orders())
                .containsExactly(
                        "1 1 Confirmed",
                        "2 1 OutForDelivery",
                        "3 1 Delivered",
                        "4 1 Cancelled",
                        "5 1 Rejected",
                        "6 1 Pending DEDUCTION",
                        "7 1 Received DEDUCTION");
        // As if their jobs had been lost, so that the reconciler sends them at once, in this order.
        assertThat(oms.count("orders where due is not null and enqueued_at = to_timestamp(0)"))
                .isEqualTo(2);
        oms.assertConsistent();
    }

    @Test
    void listsWhatCannotBeCarriedOver() throws SQLException, IOException {
        rails.user(1);
        rails.execute("""
                insert into users values
                (2, null, 'u2@example.com', '2', now(), now()), (3, ' ', 'u3@example.com', '3', now(), now()),
                (4, 'User', null, '4', now(), now()), (5, 'User', 'u5@example.com', null, now(), now()),
                (6, 'User', 'U1@Example.com', '6', now(), now()), (7, 'User', 'u7@example.com', '0000000001', now(), now()),
                (8, 'User', 'u8@example.com', '8', 'infinity', now()), (9, repeat('x', 256), 'u9@example.com', '9', now(), now()),
                (-1, 'User', 'minus@example.com', '10', now(), now())""");
        rails.item(1, "burger", 90);
        rails.item(2, null, 1);
        rails.item(3, "", 1);
        rails.item(4, "burger", 5);
        rails.item(5, "bur\u200bger", 5);
        rails.item(6, "negative", -3);
        rails.item(7, "missing", null);
        rails.item(8, "bell\u0007", 1);
        rails.item(9, "logo \ue000", 1);
        rails.item(1L << 32, "high", 1);
        String burger = "{\"burger\": 1}";
        rails.order(1, 1L, "Delivered", burger);
        rails.order(2, null, "Delivered", burger);
        rails.order(3, 99L, "Delivered", burger);
        rails.order(4, 4L, "Delivered", burger);
        rails.order(5, 1L, null, burger);
        rails.order(6, 1L, "delivered", burger);
        rails.order(7, 1L, "Delivered", null);
        rails.order(8, 1L, "Delivered", "{}");
        rails.order(9, 1L, "Delivered", "[\"burger\"]");
        rails.order(10, 1L, "Delivered", "\"burger\"");
        rails.order(11, 1L, "Delivered", "{\"burger\": 1, \"gone, \\\"long\\\" ago\": 1}");
        rails.order(12, 1L, "Delivered", "{\"negative\": 1}");
        rails.order(13, 1L, "Delivered", "{\"burger\": null}");
        rails.order(14, 1L, "Delivered", "{\"burger\": 0}");
        rails.order(15, 1L, "Delivered", "{\"burger\": -1}");
        rails.order(16, 1L, "Delivered", "{\"burger\": 1.5}");
        rails.order(17, 1L, "Delivered", "{\"burger\": \"two\"}");
        rails.order(18, 1L, "Delivered", "{\"burger\": \"02\"}");
        rails.order(19, 1L, "Delivered", "{\"burger\": 99999999999999999999}");
        rails.order(20, 1L, "Delivered", "{\"burger\": {\"quantity\": 1}}");
        rails.order(21, 1L, "Delivered", "{\"burger\": 1, \"burger \": 1}");
        rails.order(22, 1L, "Delivered", "{\"burger\": true}");
        rails.execute("update orders set updated_at = '-infinity' where id = 22");
        String name = "x".repeat(60_000);
        rails.order(23, 1L, "Delivered", "{\"" + name + "\": 1}");
        String number = "1" + "0".repeat(2_000);
        rails.order(24, 1L, "Delivered", "{\"burger\": " + number + "}");

        Outcome outcome = run();

        assertThat(rejects())
                .containsExactlyInAnyOrder(
                        "users,-1,\"has an id that is not between 1 and 4503599627370495\"",
                        "users,2,\"has no name\"",
                        "users,3,\"has no name\"",
                        "users,4,\"has no email\"",
                        "users,5,\"has no phone\"",
                        "users,6,\"has the same email as user 1\"",
                        "users,7,\"has the same phone as user 1\"",
                        "users,8,\"has a time that is not between the years 1 and 9999\"",
                        "users,9,\"has a name of more than 255 characters\"",
                        "inventory_items,2,\"has no name\"",
                        "inventory_items,3,\"has no name\"",
                        "inventory_items,4,\"has the same name as item 1, \"\"burger\"\"\"",
                        "inventory_items,5,\"has the same name as item 1, \"\"burger\"\"\"",
                        "inventory_items,6,\"has a negative quantity: \"\"-3\"\"\"",
                        "inventory_items,7,\"has no quantity\"",
                        "inventory_items,8,\"has a name with control, invisible or private characters, \"\"bell?\"\"\"",
                        "inventory_items,9,\"has a name with control, invisible or private characters, \"\"logo \ue000\"\"\"",
                        "inventory_items,4294967296,\"has an id that is not between 1 and 2147483647\"",
                        "orders,2,\"has no user\"",
                        "orders,3,\"has the user 99, who does not exist\"",
                        "orders,4,\"has the user 4, who is not taken over\"",
                        "orders,5,\"has no status\"",
                        "orders,6,\"has the status \"\"delivered\"\", which OMS does not know\"",
                        "orders,7,\"has no items\"",
                        "orders,8,\"has no items\"",
                        "orders,9,\"has items that are not an object of names and quantities\"",
                        "orders,10,\"has items that are not an object of names and quantities\"",
                        "orders,11,\"has the item \"\"gone, \"\"long\"\" ago\"\", which does not exist\"",
                        "orders,12,\"has the item \"\"negative\"\", which is not taken over\"",
                        "orders,13,\"has no quantity of \"\"burger\"\"\"",
                        "orders,14,\"has a quantity of \"\"burger\"\" of 0\"",
                        "orders,15,\"has a negative quantity of \"\"burger\"\": \"\"-1\"\"\"",
                        "orders,16,\"has a quantity of \"\"burger\"\" that is not a whole number: \"\"1.5\"\"\"",
                        "orders,17,\"has a quantity of \"\"burger\"\" that is not a whole number: \"\"two\"\"\"",
                        "orders,18,\"has a quantity of \"\"burger\"\" that is not a whole number: \"\"02\"\"\"",
                        "orders,19,\"has a quantity of \"\"burger\"\" above 2147483647: \"\"99999999999999999999\"\"\"",
                        "orders,20,\"has a quantity of \"\"burger\"\" that is not a number\"",
                        "orders,21,\"has the item \"\"burger \"\" more than once\"",
                        "orders,22,\"has a time that is not between the years 1 and 9999\"",
                        "orders,23,\"has the item \"\"" + Texts.shorten(name, 100) + "\"\", which does not exist\"",
                        "orders,24,\"has a quantity of \"\"burger\"\" above 2147483647: \"\""
                                + Texts.shorten(number, 100) + "\"\"\"");
        assertThat(outcome).isEqualTo(new Outcome(1, 1, 1, rejects().size()));
        assertThat(ledgerOf(1)).containsExactly("OPENING 91 91", "DEDUCTION 1 -1 90");
        oms.assertConsistent();
    }

    /** As a column of type json may have them, or as a long text is cut. */
    @Test
    void listsItemsOfOrdersWithHalvesOfSurrogatePairs() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", 90);
        rails.execute("alter table orders alter items type json");
        rails.order(1, 1L, "Delivered", "{\"\\ud800\": 1}");
        rails.order(2, 1L, "Delivered", "{\"burger\": \"\\udc00\"}");
        rails.order(3, 1L, "Delivered", "{\"" + "x".repeat(99) + "\ud83c\udf54\": 1}");
        rails.order(4, 1L, "Delivered", "{\"burger\": 1}");

        run();

        assertThat(rejects())
                .containsExactly(
                        "orders,1,\"has the item \"\"?\"\", which does not exist\"",
                        "orders,2,\"has a quantity of \"\"burger\"\" that is not a whole number: \"\"?\"\"\"",
                        "orders,3,\"has the item \"\"" + "x".repeat(99) + "?…\"\", which does not exist\"");
        assertThat(orders()).containsExactly("4 1 Delivered");
    }

    @Test
    void listsBytesThatAreNotUtf8() throws SQLException, IOException {
        rails = RailsShop.createWithoutEncoding();
        rails.user(1);
        rails.user(2);
        rails.item(1, "p\u00eache", 90);
        rails.item(2, "pear", 90);
        rails.order(1, 1L, "Delivered", "{\"p\u00eache\": 1}");
        rails.order(2, 1L, "Delivered", "{\"pear\": 1}");
        rails.order(3, 2L, "Delivered", "{\"p\u00eache\": 1}");
        rails.order(4, 1L, "pear", "{\"p\u00eache\": 1}");
        rails.execute("alter table orders alter items type varchar");
        rails.execute("""
                update users set name = E'Andr\\xe9' where id = 2;
                update inventory_items set name = E'p\\xear' where id = 2;
                update orders set items = E'{"p\\xear": 1}' where id = 2;
                update orders set status = E'p\\xear' where id = 4""");

        run();
        Outcome again = run();

        assertThat(again).isEqualTo(new Outcome(0, 0, 0, 5));
        assertThat(rejects())
                .containsExactly(
                        "users,2,\"has a name that is not UTF-8: \"\"Andr?\"\"\"",
                        "inventory_items,2,\"has a name that is not UTF-8: \"\"p?r\"\"\"",
                        "orders,2,\"has the item \"\"p?r\"\", which is not taken over\"",
                        "orders,3,\"has the user 2, who is not taken over\"",
                        "orders,4,\"has the status \"\"p?r\"\", which OMS does not know\"");
        assertThat(oms.texts("select name from inventory_items")).containsExactly("p\u00eache");
        assertThat(orders()).containsExactly("1 1 Delivered");
        oms.assertConsistent();
    }

    @Test
    void listsRowsWithoutAnIdOrWithThatOfAnother() throws SQLException, IOException {
        for (String table : List.of("users", "inventory_items", "orders")) {
            rails.execute("alter table %1$s drop constraint %1$s_pkey; alter table %1$s alter id drop not null"
                    .formatted(table));
        }
        rails.fill(6_000, 2_000, 3_000);
        rails.execute("delete from users where id % 1000 = 0 or id > 5600; delete from orders where id > 2400");
        rails.execute("delete from inventory_items where id % 1000 = 0");
        rails.execute("update orders set user_id = 1, items = '{\"item_1\": 1}'");
        run();
        assertThat(rejects()).isEmpty();

        // Also where one page ends and the next one begins.
        rails.execute("""
                insert into users select id, 'Other', 'other' || id, 'other' || id from users where id in (5, 5005);
                insert into users values (6001, 'A', 'a', 'a'), (6001, 'B', 'b', 'b'), (null, 'C', 'c', 'c');
                insert into inventory_items select id, 'other ' || id, 1, 1 from inventory_items where id in (5, 1001);
                insert into inventory_items values (null, 'fries', 1, 1), (null, 'soup', 1, 1);
                insert into orders select id, user_id, 'Rejected', items from orders where id in (5, 2000);
                insert into orders values (2401, 6001, 'Pending', '{"item_1": 1}'), (null, 1, 'Pending', '{"item_1": 1}')""");
        Outcome outcome = run();

        String repeated = "\"has an id that more than one row has\"";
        assertThat(rejects())
                .containsExactly(
                        "users,,\"has no id\"",
                        "inventory_items,,\"has no id\"",
                        "inventory_items,,\"has no id\"",
                        "orders,,\"has no id\"",
                        "users,5," + repeated,
                        "users,5005," + repeated,
                        "users,6001," + repeated,
                        "inventory_items,5," + repeated,
                        "inventory_items,1001," + repeated,
                        "orders,5," + repeated,
                        "orders,2000," + repeated,
                        "orders,2401,\"has the user 6001, who is not taken over\"");
        assertThat(outcome).isEqualTo(new Outcome(0, 0, 0, 12));
        assertThat(oms.count("users")).isEqualTo(5_595);
        assertThat(oms.count("inventory_items where archived_at is null")).isEqualTo(1_998);
        assertThat(oms.count("orders")).isEqualTo(2_400);
        oms.execute("analyze");
        oms.assertConsistent();
    }

    @ParameterizedTest
    @CsvSource(nullValues = "-", textBlock = """
            2,          2
            2.00,       2
            '-0.0',     0
            20e-1,      2
            2e0,        2
            1e9,        1000000000
            2147483647, 2147483647
            2147483648, 'has a quantity above 2147483647: ""2147483648""'
            1e99999999, 'has a quantity above 2147483647: ""1e99999999""'
            '-1.5',     'has a negative quantity: ""-1.5""'
            2.5,        'has a quantity that is not a whole number: ""2.5""'
            1e-9999999, 'has a quantity that is not a whole number: ""1e-9999999""'
            02,         'has a quantity that is not a whole number: ""02""'
            2.,         'has a quantity that is not a whole number: ""2.""'
            '-abc',     'has a quantity that is not a whole number: ""-abc""'
            """)
    void readsNumbersOfAnyType(String quantity, String read) throws SQLException, IOException {
        rails.execute("alter table inventory_items alter quantity type varchar");
        rails.item(1, "burger", 1);
        rails.execute("update inventory_items set quantity = '" + quantity + "'");

        run();

        assertThat(oms.texts("select quantity from inventory_items"))
                .isEqualTo(read.startsWith("has") ? List.of() : List.of(read));
        assertThat(rejects())
                .isEqualTo(read.startsWith("has") ? List.of("inventory_items,1,\"" + read + "\"") : List.of());
    }

    @Test
    void readsThresholdsOfAnyType() throws SQLException, IOException {
        rails.execute("alter table inventory_items alter threshold type varchar");
        for (long id = 1; id <= 4; id++) {
            rails.item(id, "item " + id, 1);
        }
        rails.execute("update inventory_items set threshold = (array['7.0', '-7', '-abc', null])[id]");

        run();

        assertThat(oms.texts("select concat_ws(' ', id, threshold) from inventory_items order by id"))
                .containsExactly("1 7", "2 0", "4 0");
        assertThat(rejects())
                .containsExactly("inventory_items,3,\"has a threshold that is not a whole number: \"\"-abc\"\"\"");
    }

    @Test
    void takesOverWhatHasBeenMendedSince() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", null);
        rails.order(1, 1L, "Delivered", "{\"burger\": 1}");
        run();
        assertThat(rejects()).hasSize(2);

        rails.execute("update inventory_items set quantity = 9");
        Outcome outcome = run();

        assertThat(outcome).isEqualTo(new Outcome(0, 1, 1, 0));
        assertThat(rejects()).isEmpty();
        assertThat(ledgerOf(1)).containsExactly("OPENING 10 10", "DEDUCTION 1 -1 9");
    }

    @Test
    void takesTheTimesThatThereAre() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", 1);
        rails.order(1, 1L, "Delivered", "{\"burger\": 1}");
        rails.execute("update users set created_at = null");
        rails.execute("update inventory_items set created_at = null, updated_at = null, threshold = null");
        rails.execute("alter table orders drop created_at, drop updated_at");

        run();

        assertThat(rejects()).isEmpty();
        assertThat(oms.count("users where created_at = updated_at and updated_at = '2025-01-02 00:00:00Z'"))
                .isEqualTo(1);
        assertThat(oms.count("inventory_items where threshold = 0 and created_at > now() - interval '1 hour'"))
                .isEqualTo(1);
        assertThat(oms.count("orders where created_at > now() - interval '1 hour'"))
                .isEqualTo(1);
        assertThat(run()).isEqualTo(new Outcome(0, 0, 0, 0));
    }

    @Test
    void keepsTheTimesThatItGaveToRowsWithoutAny() throws SQLException {
        rails.user(1);
        rails.item(1, "burger", 1);
        rails.order(1, 1L, "Pending", "{\"burger\": 1}");
        for (String table : List.of("users", "inventory_items", "orders")) {
            rails.execute("alter table %s drop created_at, drop updated_at".formatted(table));
        }
        run();
        String times = """
                select concat_ws(' ', created_at, updated_at) from users
                union all select concat_ws(' ', created_at, updated_at) from inventory_items
                union all select concat_ws(' ', created_at, updated_at) from orders""";
        List<String> before = oms.texts(times);

        rails.execute("update users set name = 'Renamed'");
        rails.execute("update inventory_items set threshold = 7");
        rails.execute("update orders set status = 'Rejected'");
        Outcome outcome = run();

        assertThat(outcome).isEqualTo(new Outcome(1, 1, 1, 0));
        assertThat(oms.texts(times)).isEqualTo(before);
    }

    @Test
    void tellsThatAnOrderThatIsGoneWillTakeStock() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", 1);
        rails.order(1, 1L, "Pending", "{\"burger\": 1}");
        rails.order(2, 1L, "Received", "{\"burger\": 1}");
        run();

        rails.execute("delete from orders");
        run();

        String end = ", and takes stock once a worker runs, unless it is cancelled before\"";
        assertThat(rejects())
                .containsExactly(
                        "orders,1,\"is gone from the source; it stays Pending" + end,
                        "orders,2,\"is gone from the source; it stays Received" + end);
    }

    @Test
    void changesNothingWhenNothingHasChanged() throws SQLException {
        rails.fill(100, 100, 1_000);
        run();
        String checksum =
                "select md5(string_agg(t::text, ',' order by t::text)) from (select o, l, m, i from orders o, "
                        + "order_lines l, stock_movements m, inventory_items i where l.order_id = o.id and m.order_id = o.id "
                        + "and i.id = l.inventory_item_id) t";
        List<String> before = oms.texts(checksum);

        Outcome outcome = run();

        assertThat(outcome.users() + outcome.items() + outcome.orders()).isZero();
        assertThat(oms.texts(checksum)).isEqualTo(before);
    }

    @Test
    void followsTheOrdersThatTheRailsServiceGoesOnWith() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", 90);
        for (long id = 1; id <= 8; id++) {
            rails.order(id, 1L, id <= 4 ? "Pending" : "Confirmed", "{\"burger\": 1}");
        }
        run();
        assertThat(rejects()).isEmpty();

        rails.execute("""
                update orders set updated_at = now(), status = (array['Confirmed', 'Rejected', 'Cancelled', 'Received',
                    'OutForDelivery', 'Delivered', 'Cancelled', 'Pending'])[id]""");
        rails.user(2);
        rails.order(9, 2L, "Confirmed", "{\"burger\": 10}");
        rails.execute("update inventory_items set quantity = 80");
        Outcome outcome = run();

        assertThat(outcome).isEqualTo(new Outcome(1, 0, 8, 1));
        assertThat(rejects())
                .containsExactly(
                        "orders,8,\"has gone from Confirmed to Pending, which its stock cannot follow; it stays as it was taken over\"");
        assertThat(orders())
                .containsExactly(
                        "1 1 Confirmed",
                        "2 1 Rejected",
                        "3 1 Cancelled",
                        "4 1 Received DEDUCTION",
                        "5 1 OutForDelivery",
                        "6 1 Delivered",
                        "7 1 Cancelled",
                        "8 1 Confirmed",
                        "9 2 Confirmed");
        assertThat(ledgerOf(1))
                .containsExactly(
                        "OPENING 94 94",
                        "DEDUCTION 5 -1 93",
                        "DEDUCTION 6 -1 92",
                        "DEDUCTION 7 -1 91",
                        "DEDUCTION 8 -1 90",
                        "DEDUCTION 1 -1 89",
                        "RESTORATION 7 1 90",
                        "DEDUCTION 9 -10 80");
        assertThat(oms.texts("select type from events where subject_id = 7 order by position"))
                .containsExactly("order.confirmed", "order.cancelled");
        // None is in the feed, which begins above 0.
        assertThat(oms.count("events where position >= 0")).isZero();
        oms.assertConsistent();
    }

    @Test
    void followsTheStockOfTheRailsService() throws SQLException {
        rails.user(1);
        rails.item(1, "burger", 1);
        rails.item(2, "fries", 10);
        rails.order(1, 1L, "Confirmed", "{\"burger\": 1}");
        run();

        // Restocked with 50, of which 30 are sold; and five are lost.
        rails.order(2, 1L, "Confirmed", "{\"burger\": 30}");
        rails.execute("update inventory_items set quantity = case id when 1 then 21 else 5 end");
        run();

        assertThat(ledgerOf(1))
                .containsExactly(
                        "OPENING 2 2", "DEDUCTION 1 -1 1", "CORRECTION 29 30", "DEDUCTION 2 -30 0", "CORRECTION 21 21");
        assertThat(ledgerOf(2)).containsExactly("OPENING 10 10", "CORRECTION -5 5");
        oms.assertConsistent();
    }

    @Test
    void followsItemsThatAreRenamedAndRemoved() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", 10);
        rails.item(2, "fries", 20);
        rails.item(3, "pizza", 30);
        rails.order(1, 1L, "Confirmed", "{\"burger\": 1, \"pizza\": 1}");
        run();

        // Two swap their names; another one succeeds the third.
        rails.execute("update inventory_items set name = case id when 1 then 'fries' else 'burger' end where id < 3");
        rails.execute("delete from inventory_items where id = 3");
        rails.item(4, "pizza", 40);
        rails.execute("update orders set status = 'Delivered', updated_at = now()");
        rails.order(2, 1L, "Confirmed", "{\"burger\": 1, \"pizza\": 1}");
        run();

        assertThat(rejects()).isEmpty();
        assertThat(
                        oms.texts(
                                "select concat_ws(' ', id, name, quantity, archived_at is not null) from inventory_items order by id"))
                .containsExactly("1 fries 10 f", "2 burger 20 f", "3 pizza 30 t", "4 pizza 40 f");
        assertThat(oms.texts(
                        "select concat_ws(' ', order_id, item_name, inventory_item_id) from order_lines order by 1"))
                .containsExactly("1 burger 1", "1 pizza 3", "2 burger 2", "2 pizza 4");
        oms.assertConsistent();
    }

    @Test
    void keepsTheNameOfAnItemThatItDoesNotFollow() throws SQLException, IOException {
        rails.item(1, "burger", 10);
        rails.item(2, "fries", 20);
        run();

        rails.execute("update inventory_items set name = 'burger' where id = 2");
        rails.item(3, "fries", 30);
        run();

        assertThat(rejects())
                .containsExactly(
                        "inventory_items,2,\"has the same name as item 1, \"\"burger\"\"\"",
                        "inventory_items,3,\"has the same name as item 2, \"\"fries\"\"\"");
        assertThat(oms.texts("select concat_ws(' ', id, name, quantity) from inventory_items order by id"))
                .containsExactly("1 burger 10", "2 fries 20");
    }

    @Test
    void followsUsersAndTheItemsOfOrdersThatHoldNoStock() throws SQLException, IOException {
        rails.user(1);
        rails.user(2);
        rails.item(1, "burger", 10);
        rails.item(2, "fries", 10);
        rails.order(1, 1L, "Pending", "{\"burger\": 1}");
        rails.order(2, 1L, "Confirmed", "{\"burger\": 1}");
        rails.order(3, 1L, "Confirmed", "{\"burger\": 1}");
        run();

        rails.execute("update users set name = 'Renamed', email = 'new@example.com' where id = 1");
        rails.execute("update users set email = 'NEW@example.com' where id = 2");
        rails.execute("update orders set items = '{\"fries\": 2}', user_id = 2, updated_at = now() where id < 3");
        rails.execute("delete from orders where id = 3");
        run();

        assertThat(rejects())
                .containsExactly(
                        "users,2,\"has the same email as user 1\"",
                        "orders,3,\"is gone from the source; it stays as it was taken over\"",
                        "orders,2,\"has other items than when its stock was taken; it stays as it was taken over\"");
        assertThat(oms.texts("select concat_ws(' ', name, email) from users order by id"))
                .containsExactly("Renamed new@example.com", "User 2 u2@example.com");
        assertThat(orders()).containsExactly("1 2 Pending DEDUCTION", "2 1 Confirmed", "3 1 Confirmed");
        assertThat(oms.texts("select concat_ws(' ', item_name, quantity) from order_lines order by order_id"))
                .containsExactly("fries 2", "burger 1", "burger 1");
        oms.assertConsistent();
    }

    @Test
    void followsUsersWhoTakeWhatOthersGiveUp() throws SQLException, IOException {
        rails.user(1);
        rails.user(2);
        rails.user(3);
        run();

        rails.execute(
                "update users set phone = case when id < 3 then lpad((id + 1)::text, 10, '0') else 'new' end, email = 'new' || id");
        rails.execute("update users set email = 'u2@example.com' where id = 1");
        Outcome outcome = run();

        assertThat(rejects()).isEmpty();
        assertThat(outcome).isEqualTo(new Outcome(3, 0, 0, 0));
        assertThat(oms.texts("select concat_ws(' ', email, phone) from users order by id"))
                .containsExactly("u2@example.com 0000000002", "new2 0000000003", "new3 new");
    }

    @Test
    void takesOverANewUserWhoHasWhatOneOfALaterPageGivesUp() throws SQLException, IOException {
        rails.fill(5_999, 1, 0);
        rails.execute("update users set phone = null where id = 1");
        run();
        assertThat(rejects()).contains("users,1,\"has no phone\"");

        rails.execute("update users set phone = 'new' where id = 5999");
        rails.execute("update users set phone = '0000005999' where id = 1");
        rails.order(1, 1L, "Pending", "{\"item_1\": 1}");
        Outcome outcome = run();

        assertThat(rejects()).noneMatch(line -> line.startsWith("users,1,") || line.startsWith("orders"));
        assertThat(outcome.users()).isEqualTo(2);
        assertThat(orders()).containsExactly("1 1 Pending DEDUCTION");
    }

    @Test
    void listsUsersWhoSwapTheirPhones() throws SQLException, IOException {
        rails.user(1);
        rails.user(2);
        run();

        rails.execute("update users set phone = case id when 1 then '0000000002' else '0000000001' end");
        run();

        assertThat(rejects())
                .containsExactly(
                        "users,1,\"has the same phone as user 2\"", "users,2,\"has the same phone as user 1\"");
    }

    @Test
    void anEmailAddressBelongsToOneUserHoweverItsAccentsAreEncoded() throws SQLException, IOException {
        rails.user(1);
        rails.user(2);
        rails.user(3);
        rails.execute("update users set email = 'andr\u00e9@example.com' where id = 1");
        rails.execute("update users set email = 'ANDRE\u0301@example.com' where id = 2");
        run();
        assertThat(rejects()).containsExactly("users,2,\"has the same email as user 1\"");

        rails.execute("update users set email = 'Andre\u0301@example.com' where id = 3");
        rails.user(4);
        Outcome outcome = run();

        assertThat(outcome).isEqualTo(new Outcome(1, 0, 0, 2));
        assertThat(rejects())
                .containsExactlyInAnyOrder(
                        "users,2,\"has the same email as user 1\"", "users,3,\"has the same email as user 1\"");
        assertThat(oms.texts("select concat_ws(' ', id, email) from users order by id"))
                .containsExactly("1 andr\u00e9@example.com", "3 u3@example.com", "4 u4@example.com");
    }

    @Test
    void listsAllThatAnEmptiedSourceHadByThePage() throws SQLException, IOException {
        rails.fill(5_999, 10, 4_999);
        run();
        long users = oms.count("users");
        long orders = oms.count("orders");

        rails.execute("delete from users where id <> 3");
        rails.execute("delete from orders where id <> 3");
        run();

        assertThat(rejects())
                .hasSize(Math.toIntExact(users + orders) - 2)
                .doesNotHaveDuplicates()
                .allMatch(line -> line.contains(",\"is gone from the source; it stays "));
        assertThat(oms.count("users")).isEqualTo(users);
        assertThat(oms.count("orders")).isEqualTo(orders);
    }

    /** Fails when it is asked for more than a number of connections. */
    private static final class Failing extends PGSimpleDataSource {
        private static final long serialVersionUID = 1L;

        private int left;

        private Failing(PGSimpleDataSource database, int left) {
            setUrl(database.getURL());
            setUser(database.getUser());
            setPassword(database.getPassword());
            this.left = left;
        }

        @Override
        public Connection getConnection() throws SQLException {
            if (left-- == 0) {
                throw new SQLException("cut off");
            }
            return super.getConnection();
        }
    }

    /** Somebody takes what is there of an item, again and again. */
    private static final class Meddling extends PGSimpleDataSource {
        private static final long serialVersionUID = 1L;

        private Meddling(PGSimpleDataSource database) {
            setUrl(database.getURL());
            setUser(database.getUser());
            setPassword(database.getPassword());
        }

        @Override
        public Connection getConnection() throws SQLException {
            try (Connection other = super.getConnection();
                    Statement statement = other.createStatement()) {
                statement.execute("""
                        with taken as (update inventory_items set quantity = 0 where quantity > 0 returning id)
                        insert into stock_movements (inventory_item_id, kind, delta, quantity_after, actor, created_at)
                        select id, 'CORRECTION', -1, 0, 'somebody', now() from taken""");
            }
            return super.getConnection();
        }
    }

    @Test
    void cannotGoOnWhenTheStockIsChangedMeanwhile() throws SQLException {
        rails.user(1);
        rails.item(1, "burger", 0);
        rails.order(1, 1L, "Confirmed", "{\"burger\": 1}");

        assertThatThrownBy(() -> run(new Meddling(database)))
                .isInstanceOf(ImportRefused.class)
                .hasMessage("the stock of item 1 was changed meanwhile; "
                        + "stop web and workers, and start over with an empty database.");

        assertRefused(rails.url(), "OMS has been used since the last import");
        assertThat(run(MigratedDatabases.create())).isEqualTo(new Outcome(1, 1, 1, 0));
    }

    /** Gives up a server that is silent for some time. */
    private static final class Impatient extends PGSimpleDataSource {
        private static final long serialVersionUID = 1L;

        private Impatient(PGSimpleDataSource database, Duration timeout) {
            setUrl(database.getURL());
            setUser(database.getUser());
            setPassword(database.getPassword());
            setSocketTimeout(Math.toIntExact(timeout.toSeconds()));
        }
    }

    @Test
    void goesOnWhereverItWasCutOff() throws SQLException, IOException {
        rails.fill(2_000, 1_500, 7_000);
        int cutOff = 0;
        boolean isDone = false;
        while (!isDone) {
            try {
                run(new Failing(database, cutOff * 3));
                isDone = true;
            } catch (SQLException e) {
                assertThat(e.getMessage()).isEqualTo("cut off");
                cutOff++;
                oms.assertConsistent();
            }
        }

        assertThat(cutOff).isGreaterThan(5);
        requireSameAsSource();
        // One movement for each line that took stock, and one opening for each item: nothing was written twice.
        assertThat(oms.count("stock_movements"))
                .isEqualTo(oms.count("inventory_items")
                        + oms.count("order_lines l join orders o on o.id = l.order_id "
                                + "where status in ('Confirmed', 'OutForDelivery', 'Delivered')"));
    }

    private void requireSameAsSource() throws IOException {
        // Without statistics, the queries that check so many orders take minutes.
        oms.execute("analyze");
        oms.assertConsistent();
        long rejectedUsers =
                rejects().stream().filter(line -> line.startsWith("users")).count();
        long rejectedItems = rejects().stream()
                .filter(line -> line.startsWith("inventory_items"))
                .count();
        long rejectedOrders =
                rejects().stream().filter(line -> line.startsWith("orders")).count();
        assertThat(rejectedUsers).isPositive();
        assertThat(rejectedItems).isPositive();
        assertThat(rejectedOrders).isPositive();
        assertThat(oms.count("users")).isEqualTo(rails.count("users") - rejectedUsers);
        assertThat(oms.count("inventory_items")).isEqualTo(rails.count("inventory_items") - rejectedItems);
        assertThat(oms.count("orders")).isEqualTo(rails.count("orders") - rejectedOrders);
        String stock = "select concat_ws(' ', id, name, quantity) from inventory_items where quantity >= 0 order by id";
        assertThat(oms.texts(stock)).isEqualTo(rails.texts(stock));
        String statuses = "select concat_ws(' ', id, user_id, status) from orders order by id";
        // AssertJ would compare each with each.
        assertThat(new HashSet<>(rails.texts(statuses)).containsAll(oms.texts(statuses)))
                .isTrue();
        assertThat(oms.count("orders where (due is not null) <> (status in ('Pending', 'Received'))"))
                .isZero();
    }

    @Test
    @Tag("full")
    void takesOverAShopOfManyOrders() throws SQLException, IOException {
        rails.fill(10_000, 50_000, 100_000);

        Outcome first = run();
        requireSameAsSource();
        rails.execute("update orders set status = 'Delivered', updated_at = now() where status = 'OutForDelivery'");
        Outcome second = run();
        requireSameAsSource();

        assertThat(first.orders()).isEqualTo(oms.count("orders"));
        assertThat(second.orders()).isEqualTo(oms.count("events where version = 2"));
        assertThat(second.items() + second.users()).isZero();
    }

    @Test
    void refusesASourceThatCannotBeReached() {
        assertRefused(
                "jdbc:postgresql://localhost:1/rails",
                "the source cannot be reached: Connection to localhost:1 refused.");
        assertRefused(
                rails.url().replaceFirst("/database_\\d+", "/nowhere"),
                "the source cannot be reached: FATAL: database \"nowhere\" does not exist");
    }

    @Test
    void refusesASourceWithOtherTables() {
        rails.execute("alter table inventory_items drop column threshold");
        assertRefused(rails.url(), "the source has no column inventory_items.threshold.");
        rails.execute("drop table orders");
        rails.execute("drop table inventory_items");
        rails.execute("drop table users");
        assertThatThrownBy(this::run)
                .isInstanceOf(ImportRefused.class)
                .hasMessageContaining("the source has no table ");
    }

    @Test
    void refusesASourceWhoseTablesItDoesNotFind() {
        // Roles belong to the whole server.
        String role = "reading_" + System.nanoTime();
        rails.execute("create role " + role + " login password 'reading'");
        try {
            rails.execute("revoke usage on schema public from public");
            Request unprivileged = new Request(
                    rails.url(), Optional.of(role), Optional.of("reading"), directory.resolve("rejects.csv"));
            assertThatThrownBy(() -> new ImportRails(database, Clock.systemUTC()).run(unprivileged))
                    .isInstanceOf(ImportRefused.class)
                    .hasMessageMatching("the source has the table (users|orders|inventory_items) in the schema public, "
                            + "which its user may not use: grant usage on it\\.");
        } finally {
            rails.execute("drop role " + role);
        }

        rails.execute("alter schema public rename to shop");
        assertThatThrownBy(this::run)
                .isInstanceOf(ImportRefused.class)
                .hasMessageMatching("the source has the table (users|orders|inventory_items) in the schema shop; "
                        + "add currentSchema=shop to the parameters of its URL\\.");
    }

    @Test
    void refusesAnotherSourceThanBefore() throws SQLException, IOException {
        rails.user(1);
        rails.user(2);
        rails.item(1, "burger", 9);
        run();
        String taken = "select concat_ws(' ', u, i, s.last_value) from users u, inventory_items i, users_id_seq s";
        List<String> before = oms.texts(taken);

        RailsShop other = RailsShop.create();
        String sentence = "the source has none of the users and items that earlier runs have taken over; "
                + "name their source or a copy of it, or an empty database of OMS.";
        assertRefused(other.url(), sentence);
        other.user(3);
        other.item(3, "pizza", 9);
        assertRefused(other.url(), sentence);
        // The same ids, as every shop has them; but not at the same time.
        other.user(1);
        other.item(1, "burger", 9);
        other.execute("update users set created_at = now(); update inventory_items set created_at = now()");
        assertRefused(other.url(), sentence);
        assertThat(oms.texts(taken)).isEqualTo(before);

        // A restored copy, in which a user has been deleted since.
        RailsShop copy = RailsShop.create();
        copy.user(2);
        copy.item(1, "burger", 8);
        assertThat(new ImportRails(database, Clock.systemUTC()).run(request(copy.url())))
                .isEqualTo(new Outcome(0, 0, 0, 1));
        assertThat(oms.texts("select quantity from inventory_items")).containsExactly("8");
    }

    @Test
    void refusesItself() {
        assertRefused(database.getURL(), "the source is the database of OMS itself; name that of the Rails service.");
    }

    @Test
    void refusesAReportThatCannotBeWritten() {
        assertThatThrownBy(() -> new ImportRails(database, Clock.systemUTC())
                        .run(new Request(
                                rails.url(),
                                Optional.of("postgres"),
                                Optional.empty(),
                                directory.resolve("none/rejects.csv"))))
                .isInstanceOf(ImportRefused.class)
                .hasMessageStartingWith("the report of rejected rows cannot be written to ");
        assertThat(oms.count("imports")).isZero();
    }

    @Test
    void refusesATargetThatHasSomethingElse() {
        oms.execute(
                "insert into users (name, email, phone, created_at, updated_at) values ('a', 'b', 'c', now(), now())");

        assertRefused(rails.url(), "the database of OMS has users, items or orders already; name an empty one.");
    }

    @Test
    void refusesARoleThatCannotMoveTheSequences() throws SQLException {
        // Roles belong to the whole server.
        String role = "importing_" + System.nanoTime();
        oms.execute("create role " + role + " login password 'importing'");
        try {
            oms.execute("grant select, insert, update, delete on all tables in schema public to " + role);
            oms.execute("grant usage on all sequences in schema public to " + role);
            PGSimpleDataSource other = MigratedDatabases.create();
            other.setDatabaseName(database.getDatabaseName());
            other.setUser(role);
            other.setPassword("importing");

            assertThatThrownBy(() -> run(other))
                    .isInstanceOf(ImportRefused.class)
                    .hasMessage("OMS_DB_USER may not move the sequences on; "
                            + "src/main/postgres/roles.sql grants what it needs.");
            rails.user(7);
            oms.execute("grant update on all sequences in schema public to " + role);
            assertThat(run(other)).isEqualTo(new Outcome(1, 0, 0, 0));
            assertThat(oms.texts("select nextval('users_id_seq')")).containsExactly("8");
        } finally {
            oms.execute("drop owned by " + role);
            oms.execute("drop role " + role);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            an order is settled   | insert into events (subject, subject_id, version, type, actor) \
            select 'order', id, 9, 'order.confirmed', 'worker 1' from orders
            an item is corrected  | insert into stock_movements (inventory_item_id, kind, delta, quantity_after, created_at) \
            select id, 'CORRECTION', 0, 0, now() from inventory_items
            an order is placed    | insert into orders (user_id, status, due, enqueued_at, created_at, updated_at) \
            select id, 'Pending', 'DEDUCTION', now(), now(), now() from users
            an item is added      | insert into inventory_items (name, quantity, threshold, created_at, updated_at) \
            values ('fries', 0, 0, now(), now())
            an item is renamed    | update inventory_items set name = 'cheeseburger', updated_at = now()
            a threshold is set    | update inventory_items set threshold = 7, updated_at = now()
            an item is archived   | update inventory_items set archived_at = now()
            an item is deleted    | delete from order_lines; delete from stock_movements; delete from inventory_items
            a user is added       | insert into users (name, email, phone, created_at, updated_at) \
            values ('a', 'b', 'c', now(), now())
            """)
    void refusesToUndoWhatOmsHasDoneSince(String what, String sql) throws SQLException {
        rails.user(1);
        rails.item(1, "burger", 10);
        rails.order(1, 1L, "Pending", "{\"burger\": 1}");
        run();

        oms.execute(sql);

        assertRefused(
                rails.url(),
                "OMS has been used since the last import, which must not be undone; to start over, name an empty database.");
    }

    @Test
    void aRefusedRunLeavesTheReport() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", null);
        run();
        assertThat(rejects()).hasSize(1);
        assertThat(directory).isDirectoryNotContaining("glob:**.part");

        oms.execute(
                "insert into users (name, email, phone, created_at, updated_at) values ('a', 'b', 'c', now(), now())");
        assertRefused(rails.url(), "OMS has been used since the last import");

        assertThat(rejects()).containsExactly("inventory_items,1,\"has no quantity\"");
        assertThat(directory).isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void aRefusedRunLeavesTheReportOfOneThatIsNotFinished() throws IOException {
        Path report = directory.resolve("rejects.csv");

        try (Rejects first = new Rejects(report)) {
            first.add("users", 1L, "has no name");
            new Rejects(report).close();
            first.finish();
        }

        assertThat(rejects()).containsExactly("users,1,\"has no name\"");
        assertThat(directory).isDirectoryNotContaining("glob:**.part");
    }

    @Test
    void aRefusedRunLeavesTheTimeoutOfTheConnection() throws SQLException {
        oms.execute(
                "insert into users (name, email, phone, created_at, updated_at) values ('a', 'b', 'c', now(), now())");

        String url = new Impatient(database, Duration.ofSeconds(30)).getURL();
        try (AgroalDataSource pool = AgroalDataSource.from(new AgroalDataSourceConfigurationSupplier()
                .connectionPoolConfiguration(config -> config.maxSize(1)
                        .connectionFactoryConfiguration(factory -> factory.jdbcUrl(url)
                                .principal(new NamePrincipal(database.getUser()))
                                .credential(new SimplePassword(database.getPassword())))))) {
            assertThatThrownBy(() -> new Target(pool)
                            .begin(
                                    new Target.LastIds(0, 0, 0),
                                    Clock.systemUTC().instant()))
                    .isInstanceOf(ImportRefused.class);

            try (Connection connection = pool.getConnection()) {
                assertThat(connection.getNetworkTimeout()).isEqualTo(30_000);
            }
        }
    }

    @Test
    void tellsWhyATransactionWasCutOff() throws SQLException {
        Target target = new Target(database);
        target.begin(new Target.LastIds(0, 0, 0), Clock.systemUTC().instant());

        assertThatThrownBy(() -> target.inTransaction(
                        connection -> Target.update(connection, "select pg_terminate_backend(pg_backend_pid())")))
                .hasMessageContaining("terminating connection");
    }

    @Test
    void waitsForTheFirstStatementsHoweverLongTheyTake() throws Exception {
        run();
        Duration timeout = Duration.ofSeconds(2);
        Target impatient = new Target(new Impatient(database, timeout));

        // As if there were very many events.
        try (Connection other = database.getConnection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("lock table events");
            CompletableFuture<Void> begun = CompletableFuture.runAsync(() -> {
                try {
                    impatient.begin(
                            new Target.LastIds(0, 0, 0), Clock.systemUTC().instant());
                } catch (SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> begun.isDone()
                            || oms.count("pg_locks where not granted and relation = 'events'::regclass") == 1);
            Thread.sleep(timeout.plusSeconds(1));
            assertThat(begun).isNotDone();
            other.commit();
            begun.get(60, TimeUnit.SECONDS);
        }

        assertThat(oms.count("imports")).isEqualTo(2);
    }

    @Test
    void anEarlierRunStopsWhenAnotherOneBegins() throws SQLException {
        Target earlier = new Target(database);
        earlier.begin(new Target.LastIds(0, 0, 0), Clock.systemUTC().instant());
        run();

        assertThatThrownBy(() -> earlier.inTransaction(connection -> 1))
                .isInstanceOf(ImportRefused.class)
                .hasMessageContaining("another import has begun");
    }

    @Test
    void thePageTellsHowToGoBack() throws SQLException, IOException {
        rails.user(1);
        rails.item(1, "burger", 9);
        rails.order(1, 1L, "Pending", "{\"burger\": 1}");
        rails.order(2, 1L, "Delivered", "{\"burger\": 1}");
        run();
        oms.execute("""
                insert into users (name, email, phone, created_at, updated_at)
                values ('New, with comma', 'new@example.com', '2', '2030-01-01 12:00Z', '2030-01-01 12:00Z');
                insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                values ('fries', 7, 3, '2030-01-01 12:00Z', '2030-01-01 12:00Z');
                update inventory_items set quantity = 8, updated_at = '2030-01-01 12:00Z' where id = 1;
                insert into orders (user_id, status, enqueued_at, created_at, updated_at)
                values (2, 'Rejected', now(), '2030-01-01 12:00Z', '2030-01-01 12:00Z');
                insert into order_lines values (3, 1, 5, 'burger'), (3, 2, 6, 'fries');
                update orders set status = 'Confirmed', due = null, updated_at = '2030-01-01 12:00Z' where id = 1""");

        goBack();

        String newTimes = " 2030-01-01 12:00:00 2030-01-01 12:00:00";
        assertThat(rails.texts(
                        "select concat_ws(' ', id, name, email, phone, created_at, updated_at) from users order by id"))
                .containsExactly(
                        "1 User 1 u1@example.com 0000000001 2025-01-01 10:00:00.123456 2025-01-02 00:00:00",
                        "2 New, with comma new@example.com 2" + newTimes);
        assertThat(
                        rails.texts(
                                "select concat_ws(' ', id, name, quantity, threshold, created_at, updated_at) from inventory_items order by id"))
                .containsExactly("1 burger 8 5 2025-01-01 10:00:00 2030-01-01 12:00:00", "2 fries 7 3" + newTimes);
        assertThat(
                        rails.texts(
                                "select concat_ws(' ', id, user_id, status, items, created_at, updated_at) from orders order by id"))
                .containsExactly(
                        "1 1 Confirmed {\"burger\": 1} 2025-02-01 10:00:00.123456 2030-01-01 12:00:00",
                        "2 1 Delivered {\"burger\": 1} 2025-02-01 10:00:00.123456 2025-02-02 00:00:00",
                        "3 2 Rejected {\"fries\": 6, \"burger\": 5}" + newTimes);
        assertThat(
                        rails.texts(
                                "select nextval(name) from unnest(array['users_id_seq', 'inventory_items_id_seq', 'orders_id_seq']) name"))
                .containsExactly("3", "3", "4");
    }

    /** Runs the commands of the page as psql would, where neither session is in UTC. */
    private void goBack() throws SQLException, IOException {
        String page = Files.readString(Path.of("src/site/markdown/migrating-from-rails.md"));
        Map<String, String> files = new HashMap<>();
        try (Connection from = database.getConnection();
                Connection to = rails.connect();
                Statement statement = to.createStatement()) {
            for (Connection connection : List.of(from, to)) {
                connection.createStatement().execute("set time zone 'Asia/Tokyo'");
            }
            for (MatchResult copy : Pattern.compile("psql -d oms -c \"\\\\copy \\((.*)\\) to (\\S+) csv\"")
                    .matcher(page)
                    .results()
                    .toList()) {
                StringWriter file = new StringWriter();
                from.unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyOut("copy (" + copy.group(1) + ") to stdout csv", file);
                files.put(copy.group(2), file.toString());
            }
            String script = page.split("```sql\n")[1].split("```")[0];
            for (String command : script.split("(?<=;)\n|(?<=csv)\n")) {
                if (command.startsWith("\\copy ")) {
                    String[] words = command.split(" ");
                    to.unwrap(PGConnection.class)
                            .getCopyAPI()
                            .copyIn("copy " + words[1] + " from stdin csv", new StringReader(files.remove(words[3])));
                } else {
                    statement.execute(command);
                }
            }
        }
        assertThat(files).isEmpty();
    }

    private void assertRefused(String url, String sentence) {
        assertThatThrownBy(() -> new ImportRails(database, Clock.systemUTC()).run(request(url)))
                .isInstanceOf(ImportRefused.class)
                .hasMessageStartingWith(sentence);
    }
}
