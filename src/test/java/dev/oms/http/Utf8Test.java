package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.WithoutConsumer;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.RestAssured;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes that are not UTF-8 are refused in every field of every body, and nobody guesses at them. */
@QuarkusTest
@TestProfile(WithoutConsumer.class)
@WithTestResource(OmsServers.class)
class Utf8Test {
    /** Each character is a byte. */
    private static final List<String> INVALID = List.of(
            // Latin-1.
            "p\u00e9che",
            "\u00e9",
            // A continuation alone, and characters that are cut off.
            "\u0080",
            "\u00c3",
            "\u00e2\u0082",
            "\u00f0\u009f\u0098",
            // Longer forms of a slash than necessary.
            "\u00c0\u00af",
            "\u00e0\u0080\u00af",
            "\u00f0\u0080\u0080\u00af",
            // An unpaired surrogate, and a pair in CESU-8.
            "\u00ed\u00a0\u0080",
            "\u00ed\u00a0\u00bd\u00ed\u00b8\u0080",
            // Beyond the last code point.
            "\u00f4\u0090\u0080\u0080",
            "\u00f5\u0080\u0080\u0080",
            "\u00ff",
            // In its eighth byte and after it, since the check reads eight at a time.
            "1234567\u00e9",
            "12345678\u00e9");

    private static final String FIELDS = """
            POST  | /orders?user_id=%1$d         | {"order":{"items":{"%2$s":1}}}
            POST  | /users/%1$d/orders           | {"items":{"%2$s":1}}
            POST  | /users                       | {"name":"%2$s","email":"a@example.com","phone":"0000000001"}
            POST  | /users                       | {"name":"A","email":"%2$s@example.com","phone":"0000000001"}
            POST  | /users                       | {"%2$s":1}
            POST  | /inventory_items             | {"name":"%2$s","quantity":1,"threshold":0}
            PUT   | /inventory_items/%3$d        | {"name":"%2$s"}
            PATCH | /inventory_items/%3$d        | {"inventory_item":{"quantity":1,"reason":"%2$s"}}
            POST  | /inventory_items/%3$d/adjust | {"delta":1,"reason":"%2$s"}
            POST  | /inventory_items/%3$d/adjust | {"delta":1,"reason":"x","reference":"%2$s"}
            PUT   | /orders/%4$d/update_status   | {"status":"Received%2$s"}
            POST  | /orders/%4$d/cancel          | {"version":"%2$s"}
            POST  | /api_keys                    | {"name":"%2$s","scopes":["orders:read"]}
            """;

    private final Ledger ledger = OmsServers.ledger();
    private long user;
    private long item;
    private long order;
    private List<String> before;

    @BeforeEach
    void setUp() {
        user = Shop.user();
        String name = Shop.uniqueName();
        item = Shop.item(name, 5, 0);
        // What such a name would become.
        ledger.execute("""
                insert into inventory_items (name, quantity, threshold, created_at, updated_at)
                values ('p\ufffdche', 0, 0, now(), now()) on conflict do nothing""");
        order = Shop.order(user, Map.of(name, 1));
        before = everything();
    }

    @AfterEach
    void nothingHasChanged() {
        assertThat(everything()).isEqualTo(before);
    }

    private List<String> everything() {
        return Stream.of("users", "orders", "order_lines", "events", "inventory_items", "stock_movements", "api_keys")
                .map(table -> ledger.texts(
                                "select count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') from %s t"
                                        .formatted(table))
                        .getFirst())
                .toList();
    }

    static Stream<Arguments> fields() {
        return FIELDS.lines().map(line -> Arguments.of((Object[]) line.split(" *\\| *", 3)));
    }

    @ParameterizedTest
    @MethodSource("fields")
    void everyField(String method, String path, String body) throws IOException {
        for (String invalid : INVALID) {
            isRefused(send(
                    method,
                    path.formatted(user, "", item, order),
                    "application/json",
                    body.formatted(user, invalid, item, order)));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "UTF-16LE,",
        "UTF-16BE,",
        "UTF-16LE,\ufeff",
        "UTF-16BE,\ufeff",
        "UTF-32LE,",
        "UTF-32BE,",
        "UTF-32BE,\ufeff"
    })
    void otherEncodings(String charset, String mark) throws IOException {
        String json = (mark == null ? "" : mark) + "{\"name\":\"wide\",\"quantity\":1,\"threshold\":0}";

        isRefused(send("POST", "/inventory_items", "application/json", bytes(json, Charset.forName(charset))));
    }

    @Test
    void namesANulByte() throws IOException {
        RawHttp.Response response = send("POST", "/inventory_items", "application/json", "{\"name\":\"p\0che\"}");

        assertThat(response.status()).isEqualTo(400);
        assertThat(response.text()).contains("it has a NUL byte");
    }

    /** Allowed by RFC 8259 §8.1, and sent by programs that write files for Windows. */
    @Test
    void ignoresAByteOrderMark() throws IOException {
        RawHttp.Response response =
                send("POST", "/inventory_items", "application/json", bytes("\ufeff{}", StandardCharsets.UTF_8));

        assertThat(response.status()).as(response.text()).isEqualTo(422);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "order[items][p\u00e9che]=1",
                "order%5Bitems%5D%5Bp%E9che%5D=1",
                "order[items][x]=\u00e9",
                "order[items][%C0%AF]=1",
                "order[items][%ED%A0%80]=1"
            })
    void forms(String body) throws IOException {
        for (String type :
                List.of("application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8")) {
            isRefused(send("POST", "/orders?user_id=" + user, type, body));
        }
        if (body.chars().allMatch(c -> c < 0x80)) {
            isRefused(send("POST", "/orders?user_id=" + user + "&" + body, "application/json", ""));
            isRefused(send("POST", "/orders?user_id=" + user + "&" + body, "application/json", "{}"));
        }
    }

    @ParameterizedTest
    @CsvSource({"order[items][p\u00e9che],1", "order[items][x],\u00e9", "\u00c0\u00af,1"})
    void multipart(String name, String value) throws IOException {
        String body =
                "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n--b--\r\n".formatted(name, value);

        isRefused(send("POST", "/orders?user_id=" + user, "multipart/form-data; boundary=b", body));
    }

    /**
     * Nor is a part's own charset understood; no browser and no Rails client sends one. Netty would leave out a part in
     * UTF-16 without a word.
     */
    @ParameterizedTest
    @ValueSource(strings = {"iso-8859-1", "utf-16"})
    void partsInOtherEncodings(String charset) throws IOException {
        String part = "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n%s\r\n%s\r\n";
        String body = part.formatted("delta", "", "1")
                + part.formatted("reason", "", "x")
                + part.formatted("reference", "Content-Type: text/plain; charset=" + charset + "\r\n", "p\u00e9")
                + "--b--\r\n";

        RawHttp.Response response =
                send("POST", "/inventory_items/%d/adjust".formatted(item), "multipart/form-data; boundary=b", body);

        assertThat(response.status()).as(response.text()).isEqualTo(400);
    }

    private static String bytes(String text, Charset charset) {
        return new String(text.getBytes(charset), StandardCharsets.ISO_8859_1);
    }

    private RawHttp.Response send(String method, String path, String type, String body) throws IOException {
        String request = "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
                .formatted(method, path, type, body.length());
        return RawHttp.exchange(
                RestAssured.port,
                (request + body).getBytes(StandardCharsets.ISO_8859_1),
                false,
                Duration.ofSeconds(20));
    }

    private static void isRefused(RawHttp.Response response) {
        assertThat(response.status()).as(response.text()).isEqualTo(400);
        assertThat(response.text()).contains("UTF-8");
    }
}
