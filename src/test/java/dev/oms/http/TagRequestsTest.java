package dev.oms.http;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.Ledger;
import dev.oms.OmsServers;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.DisabledOnIntegrationTest;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jboss.logmanager.ExtLogRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The client's request id is in the response and in the log. */
@QuarkusTest
@WithTestResource(OmsServers.class)
class TagRequestsTest {
    private final Ledger ledger = OmsServers.ledger();

    @ParameterizedTest
    @ValueSource(strings = {"/orders?limit=1", "/orders/999999999999", "/nowhere", "/up", "/q/openapi", "/orders.json"})
    void returnsTheId(String path) {
        String id = "8e03978e-40d5.a_B";

        String returned = given().header("X-Request-Id", id).get(path).header("X-Request-Id");

        assertThat(returned).isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a\"b", "ä", "{}", "a,b"})
    void ignoresAnIdThatALogShouldNotHold(String id) {
        assertThat(given().header("X-Request-Id", id).get("/orders?limit=1").header("X-Request-Id"))
                .isNull();
        assertThat(given().header("X-Request-Id", "x".repeat(129))
                        .get("/orders?limit=1")
                        .header("X-Request-Id"))
                .isNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            414 | GET /orders?x=%s HTTP/1.1\\r\\nHost: localhost
            431 | GET /orders HTTP/1.1\\r\\nHost: localhost\\r\\nX: %1$s\\r\\nY: %1$s
            400 | GET /orders HTTP/1.1
            """)
    void returnsTheIdOfARequestThatIsRefusedFirst(int status, String head) throws IOException {
        String request =
                head.replace("\\r\\n", "\r\n").formatted("x".repeat(8_500)) + "\r\nX-Request-Id: call-3\r\n\r\n";

        RawHttp.Response response = RawHttp.exchange(
                RestAssured.port, request.getBytes(StandardCharsets.ISO_8859_1), false, Duration.ofSeconds(30));

        assertThat(response.status()).isEqualTo(status);
        assertThat(response.header("X-Request-Id")).isEqualTo("call-3");
    }

    @Test
    @DisabledOnIntegrationTest("Reads the log inside the process")
    void logsTheId() {
        Logger logger = Logger.getLogger(ProblemMappers.class.getName());
        Records records = new Records();
        logger.addHandler(records);
        ledger.execute("alter table users rename to users_elsewhere");
        try {
            given().header("X-Request-Id", "call-1").get("/users/1").then().statusCode(500);
            given().get("/users/1").then().statusCode(500);
            given().header("X-Request-Id", "call-2").get("/users/1").then().statusCode(500);
        } finally {
            ledger.execute("alter table users_elsewhere rename to users");
            logger.removeHandler(records);
        }

        assertThat(records.ids).containsExactly("call-1", "none", "call-2");
    }

    /** The request ids of what is logged. */
    private static final class Records extends Handler {
        final List<String> ids = new CopyOnWriteArrayList<>();

        @Override
        public void publish(LogRecord logged) {
            String id = ExtLogRecord.wrap(logged).getMdc("request_id");
            ids.add(id == null ? "none" : id);
        }

        @Override
        public void flush() {
            // Nothing is kept back.
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }
}
