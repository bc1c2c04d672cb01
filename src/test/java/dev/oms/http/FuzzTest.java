package dev.oms.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.oms.Ledger;
import dev.oms.OmsServers;
import dev.oms.http.OpenApiDocument.Body;
import dev.oms.http.OpenApiDocument.Call;
import dev.oms.http.RawHttp.Response;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;
import org.junit.jupiter.api.Test;

/**
 * Fuzzes the API from its own OpenAPI document: whatever is sent to any call, the response is one that the document
 * declares, and the stock stays consistent. A failing run prints its seed; {@code -Doms.fuzz.seed=…} replays it.
 */
@QuarkusTest
@WithTestResource(OmsServers.class)
class FuzzTest {
    private static final Logger LOG = Logger.getLogger(FuzzTest.class);
    static final int REQUESTS = Integer.getInteger("oms.fuzz.requests", 800);

    /** The longest URI and headers that are accepted, and the longest ones that are rejected with a problem. */
    private static final int URI_MAX = 8_000;

    private static final int HEADERS_MAX = 16_000;
    private static final int PROBLEM_MAX = 60_000;

    /** The longest body that every call accepts. */
    private static final int BODY_MAX = 8_192;

    /** The statuses allowed for requests that match no call of the document. */
    private static final Set<Integer> OUTSIDE_DOCUMENT = Set.of(400, 404, 405, 413, 415);

    /** The statuses allowed for requests that are not valid HTTP, from RFC 9110. */
    private static final Set<Integer> NOT_HTTP = Set.of(400, 404, 405, 411, 413, 414, 417, 426, 431, 501, 505);

    /** Paths that parsers may interpret differently. */
    private static final Pattern ODD_PATH =
            Pattern.compile("[^\\w/.~%-]|//|/$|/\\.\\.?(/|$)|%(?![2-7][0-9A-F])|%(2[EF]|3B|5C|7F)");

    private static final Pattern LEAK = Pattern.compile(
            "\\b(dev\\.oms|java|javax|jakarta|jdk|sun|io\\.(quarkus|vertx|netty|smallrye|agroal)|com\\.fasterxml"
                    + "|org\\.(hibernate|jboss|postgresql))\\.[A-Za-z]|[a-z](Exception|Error)\\b|\\.java:|\\tat |SQLSTATE|ERROR:");

    final Ledger ledger = OmsServers.ledger();

    private OpenApiDocument document;

    /** The first failure of each kind. */
    private final Map<String, String> failures = new LinkedHashMap<>();

    private final Map<String, Map<Integer, Integer>> statuses = new TreeMap<>();

    @Test
    void answersEveryRequestAsDocumented() throws IOException {
        // Fixed, so that every build sends the same requests; any other seed sends different ones.
        long seed = Long.getLong("oms.fuzz.seed", 1);
        document = OpenApiDocument.fetch();
        RequestFuzzer fuzzer = new RequestFuzzer(document, seed);
        prepare(fuzzer);

        for (int i = 0; i < requests(); i++) {
            FuzzedRequest request = fuzzer.next();
            authorize(request);
            Response response = RawHttp.exchange(
                    RestAssured.port,
                    request.bytes(),
                    request.method.equals("HEAD"),
                    // After invalid HTTP the server may wait for the rest of the request.
                    Duration.ofMillis(request.isHttp ? 10_000 : 300));
            statuses.computeIfAbsent(request.call.toString(), call -> new TreeMap<>())
                    .merge(response == null ? 0 : response.status(), 1, Integer::sum);
            String wrong = wrongWith(request, response);
            if (wrong == null && response != null) {
                wrong = wrongWithAccess(request, response);
            }
            if (wrong != null) {
                String kind = "%s: %s".formatted(request.call, wrong);
                failures.putIfAbsent(
                        kind, "request %d: %s%n  answered %s".formatted(i, shown(request.bytes()), shown(response)));
            } else if (response != null && response.status() < 300) {
                fuzzer.learn(request, response);
            }
        }

        statuses.forEach((call, counts) -> LOG.infof("%s: %s", call, counts));
        assertThat(failures)
                .as("seed %d, replay with -Doms.fuzz.seed=%d", seed, seed)
                .isEmpty();
        assertThat(statuses)
                .hasSameSizeAs(document.calls().stream()
                        .filter(call -> !call.isStream())
                        .toList());
        assertThat(ledger.count("orders where status = 'Cancelled'")).isPositive();
        ledger.awaitSettled();
        ledger.assertConsistent();
    }

    int requests() {
        return REQUESTS;
    }

    /** Called before the first request. */
    void prepare(RequestFuzzer fuzzer) {}

    /** Adds credentials to a request, if any. */
    void authorize(FuzzedRequest request) {}

    boolean isAllowedOutsideDocument(int status) {
        return OUTSIDE_DOCUMENT.contains(status);
    }

    /** What a response should not have told its caller, or null. */
    String wrongWithAccess(FuzzedRequest request, Response response) {
        return null;
    }

    /** What is wrong with a response, or null. */
    private String wrongWith(FuzzedRequest request, Response response) {
        if (response == null) {
            return request.isHttp ? "no response" : null;
        }
        if (LEAK.matcher(response.text() + String.join("\n", response.headers()))
                .find()) {
            return response.status() + " exposes internals";
        }
        if (!request.isUri() && Set.of(400, 404).contains(response.status()) && response.body().length == 0) {
            // Quarkus responds before the request reaches our code.
            return null;
        }
        if (!request.isHttp && NOT_HTTP.contains(response.status())) {
            return response.body().length == 0 ? null : wrongWithProblem(response, request);
        }
        if (response.status() == 414 || response.status() == 431) {
            return wrongWithLength(request, response);
        }
        if (request.method.equals("OPTIONS") && response.status() == 200) {
            return response.header("Allow").isEmpty() || response.body().length > 0
                    ? "200 has no Allow header, or has a body"
                    : null;
        }
        if (response.status() == 413 && request.body.length > BODY_MAX) {
            // A body is refused even where it would be ignored.
            return wrongWithProblem(response, request);
        }
        List<Call> calls = callsFor(request);
        String wrong = response.status() + " is undeclared";
        for (Call call : calls) {
            if (call.statuses().contains(response.status())) {
                wrong = wrongWithBody(call, request, response);
            }
            if (wrong == null) {
                return null;
            }
        }
        boolean isOutsideDocument =
                calls.isEmpty() || ODD_PATH.matcher(request.path).find();
        boolean isOfAnotherOrigin = response.status() == 403
                && new String(request.bytes(), StandardCharsets.ISO_8859_1).contains("\r\nOrigin: ");
        return isOfAnotherOrigin || isOutsideDocument && isAllowedOutsideDocument(response.status())
                ? wrongWithProblem(response, request)
                : wrong;
    }

    private String wrongWithLength(FuzzedRequest request, Response response) {
        String head = new String(request.bytes(), StandardCharsets.ISO_8859_1).split("\r\n\r\n", 2)[0];
        int line = head.indexOf('\r');
        if (head.length() > PROBLEM_MAX) {
            return null;
        }
        return response.status() == 414 && line > URI_MAX
                        || response.status() == 431 && head.length() - line > HEADERS_MAX
                ? wrongWithProblem(response, request)
                : response.status() + " to a short head";
    }

    private static String wrongWithBody(Call call, FuzzedRequest request, Response response) {
        if (request.method.equals("HEAD")) {
            return null;
        }
        if (!call.hasBody(response.status())) {
            return response.body().length == 0 ? null : response.status() + " has a body";
        }
        for (String header : call.headers(response.status())) {
            boolean isRequired = call.operation()
                    .path("responses")
                    .path(Integer.toString(response.status()))
                    .path("headers")
                    .path(header)
                    .path("required")
                    .asBoolean();
            if (isRequired && response.header(header).isEmpty()) {
                return response.status() + " has no " + header;
            }
        }
        Body documented = call.body(response.status());
        if (!response.header("Content-Type").startsWith(documented.mediaType())) {
            return response.status() + " is " + response.header("Content-Type");
        }
        return isJson(response) && documented.fits(OpenApiDocument.read(response.text()))
                ? null
                : response.status() + " does not match the declared schema";
    }

    private String wrongWithProblem(Response response, FuzzedRequest request) {
        if (request.method.equals("HEAD")) {
            return null;
        }
        if (!response.header("Content-Type").startsWith(Problem.MEDIA_TYPE)) {
            return response.status() + " is not a problem but '" + response.header("Content-Type") + "'";
        }
        JsonNode schema = document.root().at("/components/schemas/Problem");
        return isJson(response) && Body.fits(schema, OpenApiDocument.read(response.text()))
                ? null
                : response.status() + " does not match the schema of a problem";
    }

    private static boolean isJson(Response response) {
        try {
            OpenApiDocument.read(response.text());
            return true;
        } catch (AssertionError e) {
            return false;
        }
    }

    /** The calls that a request may match: at most one when its path is unambiguous. */
    private List<Call> callsFor(FuzzedRequest request) {
        String method = request.method.equals("HEAD") ? "GET" : request.method;
        if (ODD_PATH.matcher(request.path).find()) {
            return document.calls().stream()
                    .filter(call -> call.method().equals(method))
                    .toList();
        }
        String path = URLDecoder.decode(request.path.replace("+", "%2B"), StandardCharsets.UTF_8);
        // A literal segment takes precedence over a parameter.
        String template = document.calls().stream()
                .map(Call::path)
                .filter(known -> path.matches("(?s)" + known.replaceAll("\\{[^}]*}", "[^/]+")))
                .min(Comparator.comparing(known -> known.replace('{', '\u007F')))
                .orElse("");
        return document.calls().stream()
                .filter(call -> call.method().equals(method) && call.path().equals(template))
                .toList();
    }

    private static String shown(Response response) {
        return response == null
                ? "nothing"
                : response.status() + " " + response.headers() + " " + shown(response.body());
    }

    /** Readable text for the log: escapes bytes beyond ASCII and cuts long values. */
    private static String shown(byte[] bytes) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < bytes.length && i < 1_500; i++) {
            int b = bytes[i] & 0xFF;
            shown.append(
                    b >= ' ' && b < 0x7F
                            ? String.valueOf((char) b)
                            : b == '\n' ? "\\n" : b == '\r' ? "\\r" : "\\x%02X".formatted(b));
        }
        return bytes.length > 1_500 ? shown + "… (" + bytes.length + " bytes)" : shown.toString();
    }
}
