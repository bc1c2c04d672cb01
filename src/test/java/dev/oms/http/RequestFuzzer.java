package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import dev.oms.http.OpenApiDocument.Call;
import dev.oms.http.RawHttp.Response;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;

/**
 * Generates requests for the calls of a document, from its schemas and from what earlier requests created. Some are
 * valid; the others are valid requests mutated in up to three ways. The same seed and the same responses lead to the
 * same requests.
 */
final class RequestFuzzer {
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final ObjectMapper PLAIN = new ObjectMapper();
    private static final ObjectMapper ESCAPING =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    private static final List<String> TEXTS = List.of(
            "",
            " ",
            "\0",
            "a\0b",
            "\uD800",
            "\uDC00x",
            "x\uDFFF\uD83D",
            "\uFFFE\uFFFF",
            "\uD83D\uDE00",
            "\u202Egnp.exe",
            "e\u0301",
            "\r\nX-Injected: 1",
            "\t\u000B\u001B[31m\u007F\u0085",
            "' OR '1'='1",
            "'; drop table orders; --",
            "\"; select pg_sleep(9); --",
            "%' and 1=1 /*",
            "$$\\x00$1?:name",
            "%s%n%d{0}${7*7}#{1}{{2}}",
            "${jndi:ldap://localhost/x}",
            "../../../../etc/passwd",
            "<script>alert(1)</script>",
            "\\u0000\\\"'`",
            "null",
            "true",
            "NaN",
            "-0",
            "1e1000000000",
            "1.0",
            "0x10",
            "١٢٣",
            "[]",
            "{\"$ref\":\"#\"}",
            "x".repeat(256),
            "\uD83D\uDE00".repeat(128),
            "y".repeat(3_000),
            "z".repeat(30_000) + "\0");

    private static final List<String> NUMBERS = List.of(
            "0",
            "-1",
            "-0",
            "2147483648",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "1000000001",
            "999999999999999999999999999999999",
            "1.5",
            "2.0",
            "1e3",
            "1e-400",
            "1E+2147483647",
            "0.1e99999999999");

    private static final List<String> NOT_JSON = List.of(
            "",
            " ",
            "null",
            "nul",
            "[",
            "{",
            "{}",
            "[]",
            "{}{}",
            "{\"a\":1,}",
            "{'a':1}",
            "{a:1}",
            "// hi\n{}",
            "NaN",
            "\"\\uD800\"",
            "\"\\x\"",
            "+1",
            "01",
            ".5",
            "<order/>",
            "items[burger]=1&user_id=1",
            "\u0000",
            "\u00EF\u00BB\u00BF{}",
            "[".repeat(5_000),
            "{\"order\":".repeat(2_000),
            "[".repeat(900) + "]".repeat(900),
            "{\"a\":\"" + "x".repeat(100_000) + "\"}",
            "9".repeat(5_000));

    private static final List<String> CONTENT_TYPES = List.of(
            "",
            ";",
            "/",
            "json",
            "application/json",
            "APPLICATION/JSON",
            "application/json;",
            "application/json; charset=utf-8",
            "application/json; charset=UTF-16",
            "application/json; charset=ISO-8859-1",
            "application/json; charset=nonsense",
            "application/json; charset=\"",
            "application/json; charset=../..",
            "application/json, text/plain",
            "application/problem+json",
            "application/vnd.api+json",
            "application/merge-patch+json",
            "application/*",
            "*/*",
            "text/json",
            "text/plain",
            "text/html",
            "application/xml",
            "application/octet-stream",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
            "multipart/mixed; boundary=",
            "\u00E9\u00FF",
            "a/b/c");

    private static final List<String> ACCEPTS = List.of(
            "",
            "*/*",
            "application/json",
            "application/*",
            "*/*;q=0",
            "application/json;q=0",
            "application/json;q=2",
            "application/json;q=-1",
            "application/json;q=x",
            "application/json;q=0.0001",
            "application/problem+json",
            "application/json;charset=utf-16",
            "text/html",
            "text/plain",
            "text/event-stream",
            "application/xml, text/html;q=0.9",
            "image/png",
            "json",
            "/",
            "*",
            ",,,",
            ";",
            "application/json; \"",
            "\u00E9/\u00FF");

    private static final List<String> METHODS = List.of(
            "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "QUERY", "PROPFIND", "get", "FOO");

    private static final List<String> HEADERS = List.of(
            "Range: bytes=0-1",
            "Range: bytes=5-1,x",
            "Expect: 100-continue",
            "Expect: the unexpected",
            "X-HTTP-Method-Override: DELETE",
            "X-Forwarded-For: ' or 1=1",
            "X-Forwarded-Proto: gopher",
            "X-Forwarded-Host: evil.example",
            "Forwarded: for=\"_x;host=y",
            "Accept-Encoding: gzip, br;q=x",
            "Content-Encoding: gzip",
            "Content-Encoding: nonsense",
            "Accept-Charset: utf-16",
            "Accept-Language: x-klingon;q=9",
            "Cookie: =;\u00FF;a=\"",
            "Authorization: Basic \u00FF",
            "Authorization: Bearer x.y.z",
            "Origin: null",
            "Upgrade: websocket",
            "Connection: Upgrade\r\nUpgrade: websocket",
            "Connection: close",
            "Connection: \u00FF",
            "If-Modified-Since: yesterday",
            "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
            "Content-Language: xx",
            "Content-MD5: x",
            "Content-Location: /q/openapi",
            "Max-Forwards: -1",
            "Priority: u=9",
            "traceparent: 00-x",
            "X-Long: " + "x".repeat(7_000));

    /** Invalid HTTP in place of a header. */
    private static final List<String> NOT_HEADERS = List.of(
            "no colon",
            ": no name",
            "Bad Name: x",
            "Nul: a\0b",
            "N\u00FFme: x",
            " Folded: x",
            "Bare: a\rb",
            "Content-Length: -1",
            "Content-Length: x",
            "Content-Length: 1, 2",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: nonsense",
            "Transfer-Encoding: chunked, chunked",
            "Host: a b",
            "Host: [::",
            "Host: localhost:99999999",
            "Host: x/y",
            "Host: evil.example\r\nHost: other.example",
            "Host: \u00FF");

    private final Random random;
    private final List<Call> calls;
    private final List<Consumer<FuzzedRequest>> mutators = new ArrayList<>();

    /** The ids of created resources, by collection. */
    private final Map<String, List<String>> ids = new HashMap<>();

    private final Map<String, String> idsOfThisRequest = new HashMap<>();

    /** The names of the items on sale, by id. */
    private final Map<String, String> names = new LinkedHashMap<>();

    /** The ETags seen so far. */
    private final List<String> tags = new ArrayList<>(List.of("\"0\"", "\"1\""));

    private final String prefix;
    private int fresh;
    private int next;

    RequestFuzzer(OpenApiDocument document, long seed) {
        random = new Random(seed);
        prefix = Long.toHexString(seed);
        calls = document.calls().stream().filter(call -> !call.isStream()).toList();
        mutate(8, this::mutateBodyValue);
        mutate(3, this::mutateBodyText);
        mutate(2, this::mutateBodyBytes);
        mutate(4, this::mutateParameter);
        mutate(2, this::mutateQuery);
        mutate(3, this::mutatePath);
        mutate(2, request -> request.method = anyOf(METHODS));
        mutate(2, request -> request.setHeader("Content-Type", anyOf(CONTENT_TYPES)));
        mutate(1, request -> request.dropHeader("Content-Type"));
        mutate(2, this::mutateAccept);
        mutate(2, request -> request.headers.add(anyOf(HEADERS)));
        mutate(3, this::mutateCondition);
        mutate(1, request -> request.isChunked = request.body != null);
        mutate(1, this::mutateHttp);
    }

    private void mutate(int weight, Consumer<FuzzedRequest> mutator) {
        for (int i = 0; i < weight; i++) {
            mutators.add(mutator);
        }
    }

    /** Returns the next request, going round the calls. */
    FuzzedRequest next() {
        Call call = calls.get(next++ % calls.size());
        if (call.method().equals("DELETE") && random.nextInt(3) > 0) {
            // Fewer deletions, because a removed item is of no more use to later requests.
            call = anyOf(calls);
        }
        FuzzedRequest request = valid(call);
        if (random.nextInt(5) >= 2) {
            int times = 1 + random.nextInt(3);
            for (int i = 0; i < times; i++) {
                anyOf(mutators).accept(request);
            }
        }
        return request;
    }

    /** Records something that exists, such as a user. */
    void know(String collection, long id) {
        ids.computeIfAbsent(collection, created -> new ArrayList<>()).add(Long.toString(id));
    }

    /** Records an item that is on sale. */
    void knowItem(long id, String name) {
        know("inventory_items", id);
        names.put(Long.toString(id), name);
    }

    /** Records what a request created, changed or removed. */
    void learn(FuzzedRequest request, Response response) {
        String location = response.status() == 201 ? response.header("Location") : request.path;
        String[] parts = location.replaceFirst("^https?://[^/]*", "").split("/");
        if (parts.length != 3) {
            return;
        }
        List<String> known = ids.computeIfAbsent(parts[1], collection -> new ArrayList<>());
        if (response.status() == 201) {
            known.add(parts[2]);
        } else if (response.status() == 204) {
            known.remove(parts[2]);
            names.remove(parts[2]);
        }
        if (parts[1].equals("inventory_items") && response.text().startsWith("{\"id\"")) {
            names.put(
                    parts[2], OpenApiDocument.read(response.text()).path("name").asText());
        }
        String tag = response.header("ETag");
        if (!tag.isEmpty() && !tags.contains(tag)) {
            tags.add(tag);
        }
    }

    private FuzzedRequest valid(Call call) {
        FuzzedRequest request = new FuzzedRequest(call, call.path());
        idsOfThisRequest.clear();
        request.headers.add("Host: localhost");
        for (JsonNode parameter : call.parameters()) {
            String name = parameter.path("name").asText();
            String in = parameter.path("in").asText();
            boolean isLeftOut = !parameter.path("required").asBoolean() && random.nextInt(3) == 0;
            if (in.equals("path")) {
                request.path = request.path.replace("{" + name + "}", parameterValue(call, parameter));
            } else if (isLeftOut) {
                continue;
            } else if (in.equals("query")) {
                request.query.add(name + "=" + parameterValue(call, parameter));
            } else {
                request.setHeader(name, parameterValue(call, parameter));
            }
        }
        if (call.hasBody()) {
            request.setHeader("Content-Type", call.body().mediaType());
            request.body = bytes(value("", call.body().schema()), StandardCharsets.UTF_8);
        }
        return request;
    }

    private String parameterValue(Call call, JsonNode parameter) {
        String name = parameter.path("name").asText();
        String root = call.path().split("/")[1];
        if (name.equals("id")) {
            return id(root);
        }
        if (name.endsWith("_id")) {
            return id(name.substring(0, name.length() - "_id".length()) + "s");
        }
        if (root.equals("events") && (name.equals("after") || name.equals("Last-Event-ID"))) {
            return "end";
        }
        if (name.equals("after")) {
            return random.nextBoolean() ? Integer.toString(random.nextInt(100_000)) : "9223372036854775807";
        }
        if (name.equals("If-Match") || name.equals("If-None-Match")) {
            return anyOf(tags);
        }
        JsonNode value = value(name, parameter.path("schema"));
        return value.isArray() ? value.get(0).asText() : value.asText();
    }

    /** Mostly the same id throughout a request, because the user may be named in both the query and the body. */
    private String id(String collection) {
        return random.nextInt(20) == 0 ? anyId(collection) : idsOfThisRequest.computeIfAbsent(collection, this::anyId);
    }

    private String anyId(String collection) {
        List<String> known = ids.get(collection);
        if (known == null || known.isEmpty() || random.nextInt(40) == 0) {
            return "999999999999";
        }
        // Mostly a recent one, so that a resource goes through several changes.
        int back = Math.min(known.size(), random.nextInt(4) == 0 ? known.size() : 12);
        return known.get(known.size() - 1 - random.nextInt(back));
    }

    private void mutateAccept(FuzzedRequest request) {
        String accept = anyOf(ACCEPTS);
        // A stream would not end.
        if (!request.call.path().equals("/events") || !accept.equals("text/event-stream")) {
            request.setHeader("Accept", accept);
        }
    }

    /** A value that a schema allows. */
    private JsonNode value(String name, JsonNode schema) {
        if (schema.has("oneOf")) {
            return value(
                    name,
                    schema.path("oneOf").get(random.nextInt(schema.path("oneOf").size())));
        }
        if (schema.has("enum")) {
            return schema.path("enum").get(random.nextInt(schema.path("enum").size()));
        }
        JsonNode type = schema.path("type");
        return switch (type.isArray() ? type.path(0).asText() : type.asText()) {
            case "object" -> object(schema);
            case "array" -> NODES.arrayNode().add(value("", schema.path("items")));
            case "integer" -> NODES.numberNode(number(name, schema));
            case "boolean" -> NODES.booleanNode(random.nextBoolean());
            default -> NODES.textNode(text(schema));
        };
    }

    private JsonNode object(JsonNode schema) {
        ObjectNode object = NODES.objectNode();
        List<String> required =
                schema.path("required").valueStream().map(JsonNode::asText).toList();
        schema.path("properties").properties().forEach(property -> {
            if (required.contains(property.getKey()) || random.nextInt(3) == 0) {
                object.set(property.getKey(), value(property.getKey(), property.getValue()));
            }
        });
        if (schema.path("additionalProperties").isObject()) {
            for (int i = random.nextInt(3); i >= 0; i--) {
                List<String> recent = List.copyOf(names.values());
                String key = recent.isEmpty()
                        ? "burger"
                        : anyOf(recent.subList(Math.max(0, recent.size() - 10), recent.size()));
                object.set(key, value(key, schema.path("additionalProperties")));
            }
        }
        return object;
    }

    private long number(String name, JsonNode schema) {
        if (name.endsWith("_id")) {
            return Long.parseLong(id(name.substring(0, name.length() - "_id".length()) + "s"));
        }
        if (name.equals("wait")) {
            // So many seconds are too long for so many requests.
            return 0;
        }
        long min = schema.path("minimum").asLong(0);
        long max = schema.path("maximum").asLong(Long.MAX_VALUE);
        return switch (random.nextInt(12)) {
            case 0 -> min;
            case 1 -> max;
            default -> min + random.nextLong(Math.min(max - min, 50) + 1);
        };
    }

    private String text(JsonNode schema) {
        fresh++;
        if (schema.path("format").asText().equals("email")) {
            return prefix + "." + fresh + "@fuzz.example";
        }
        if (schema.path("format").asText().equals("uri")) {
            return "https://fuzz.example/" + prefix + "/" + fresh;
        }
        if (schema.has("pattern")) {
            // The only pattern is that of a phone number: ten digits.
            return "%010d".formatted(random.nextLong(10_000_000_000L));
        }
        return switch (random.nextInt(6)) {
            case 0 -> "smörgås 🍔 'quoted\" \\ " + prefix + fresh;
            case 1 -> "n" + fresh;
            default -> "thing " + prefix + " " + fresh;
        };
    }

    private void mutateBodyValue(FuzzedRequest request) {
        if (!request.call.hasBody()) {
            return;
        }
        JsonNode root = value("", request.call.body().schema());
        ArrayNode holder = NODES.arrayNode().add(root);
        JsonNode parent = holder;
        // Descends to a random depth.
        while (random.nextInt(3) > 0) {
            JsonNode child = anyChild(parent);
            if (!child.isContainerNode() || child.isEmpty()) {
                break;
            }
            parent = child;
        }
        if (parent instanceof ArrayNode array) {
            array.set(random.nextInt(array.size()), nastyValue(3));
        } else if (parent instanceof ObjectNode object) {
            String key = anyKey(object);
            switch (random.nextInt(5)) {
                case 0 -> object.remove(key);
                case 1 -> object.set(anyOf(TEXTS), object.get(key));
                default -> object.set(key, nastyValue(3));
            }
        }
        request.body = bytes(holder.get(0), StandardCharsets.UTF_8);
    }

    private JsonNode anyChild(JsonNode parent) {
        List<JsonNode> children = parent.valueStream().toList();
        return anyOf(children);
    }

    private String anyKey(ObjectNode object) {
        List<String> keys = object.propertyStream().map(Map.Entry::getKey).toList();
        return anyOf(keys);
    }

    private JsonNode nastyValue(int depth) {
        return switch (random.nextInt(depth > 0 ? 10 : 6)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.booleanNode(random.nextBoolean());
            // A number that Jackson writes verbatim.
            case 2, 3 -> NODES.rawValueNode(new RawValue(anyOf(NUMBERS)));
            case 4, 5 -> NODES.textNode(anyOf(TEXTS));
            case 6 -> NODES.arrayNode().add(nastyValue(depth - 1)).add(nastyValue(depth - 1));
            case 7 -> NODES.objectNode();
            case 8 -> {
                ObjectNode many = NODES.objectNode();
                for (int i = 0; i < 102; i++) {
                    many.put("thing " + i, i);
                }
                yield many;
            }
            default -> NODES.objectNode().set(anyOf(TEXTS), nastyValue(depth - 1));
        };
    }

    private void mutateBodyText(FuzzedRequest request) {
        String text = request.body == null ? "{}" : new String(request.body, StandardCharsets.UTF_8);
        request.body = switch (random.nextInt(6)) {
            case 0 -> FuzzedRequest.latin1(anyOf(NOT_JSON));
            case 1 -> text.substring(0, random.nextInt(text.length() + 1)).getBytes(StandardCharsets.UTF_8);
            case 2 ->
                text.replaceFirst(
                                "\\{",
                                "{"
                                        + text.replaceFirst("^[^{]*\\{", "")
                                                .replaceFirst("}[^}]*$", "")
                                                .replace("$", "")
                                                .replace("\\", "")
                                        + ",")
                        .getBytes(StandardCharsets.UTF_8);
            case 3 ->
                text.replace(":", ":".repeat(1 + random.nextInt(2)) + anyOf(NUMBERS))
                        .getBytes(StandardCharsets.UTF_8);
            case 4 -> (text + anyOf(NOT_JSON)).getBytes(StandardCharsets.UTF_8);
            default -> null;
        };
    }

    private void mutateBodyBytes(FuzzedRequest request) {
        byte[] body = request.body == null ? FuzzedRequest.latin1("{}") : request.body;
        String text = new String(body, StandardCharsets.UTF_8);
        request.body = switch (random.nextInt(6)) {
            case 0 -> text.getBytes(StandardCharsets.UTF_16);
            case 1 -> text.getBytes(Charset.forName("UTF-32LE"));
            case 2 -> text.getBytes(StandardCharsets.ISO_8859_1);
            case 3 -> {
                // Changes one byte.
                byte[] mutated = body.clone();
                if (mutated.length > 0) {
                    mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
                }
                yield mutated;
            }
            case 4 -> {
                // Ends a string with a lone surrogate, an overlong slash, or an invalid or truncated sequence.
                String bad = anyOf(
                        List.of("\u00ED\u00A0\u0080", "\u00C0\u00AF", "\u00FF\u00FE", "\u00F5\u0080", "\u00E2\u0082"));
                yield FuzzedRequest.latin1(
                        new String(body, StandardCharsets.ISO_8859_1).replaceFirst("\":", bad + "\":"));
            }
            default ->
                random.nextInt(4) == 0
                        ? Arrays.copyOf(body, (1 << 20) + 1 + random.nextInt(1 << 20))
                        : new byte[random.nextInt(50)];
        };
    }

    /** Replaces the value of a parameter with an unexpected one. */
    private void mutateParameter(FuzzedRequest request) {
        String value = encoded(random.nextBoolean() ? anyOf(TEXTS) : anyOf(NUMBERS));
        if (!request.query.isEmpty() && random.nextBoolean()) {
            int i = random.nextInt(request.query.size());
            request.query.set(i, request.query.get(i).replaceFirst("=.*", "") + "=" + value);
            return;
        }
        request.path = request.path.replaceFirst("/[0-9]+(?=/|$)", "/" + value);
    }

    private void mutateQuery(FuzzedRequest request) {
        switch (random.nextInt(7)) {
            case 0 -> request.query.addAll(List.copyOf(request.query));
            case 1 -> request.query.replaceAll(parameter -> parameter.replaceFirst("=.*", ""));
            case 2 -> request.query.replaceAll(parameter -> parameter.replaceFirst("=.*", "="));
            case 3 -> request.query.add(encoded(anyOf(TEXTS)) + "=" + encoded(anyOf(TEXTS)));
            case 4 ->
                request.query.add(anyOf(List.of(
                                "limit",
                                "after",
                                "user_id",
                                "status",
                                "below_threshold",
                                "out_of_stock",
                                "%6Cimit",
                                "limit[]",
                                "LIMIT"))
                        + "="
                        + anyOf(List.of(
                                "%",
                                "%zz", "%u0041", "%c3%28", "%ff", "%00", "+", "a%0d%0ab", "%ed%a0%80", "1%26limit=2")));
            case 5 -> request.query.add(anyOf(List.of("", "&&", "=", "==", "?", "a=b=c", ";", "%", "[]", "/../")));
            default -> request.query.clear();
        }
    }

    private void mutatePath(FuzzedRequest request) {
        String path = request.path;
        request.path = switch (random.nextInt(12)) {
            case 0 -> path + "/";
            case 1 -> "/" + path;
            case 2 -> path.replaceFirst("/", "/%6");
            case 3 -> path + ";" + anyOf(List.of("", "a", "id=1", "a=b;c", "jsessionid=x"));
            case 4 -> path + "/" + encoded(anyOf(TEXTS));
            case 5 -> path.substring(0, 1) + "." + path;
            case 6 -> "/x/.." + path;
            case 7 -> path.replace("/", "%2F").replaceFirst("%2F", "/");
            case 8 ->
                path.replaceFirst(
                        "[a-z]",
                        anyOf(List.of("%6F", "%75", "%69", "%", "%zz", "%u006f", "%c0%af", "%ff", "%00", "%ed%a0%80")));
            case 9 ->
                path
                        + anyOf(List.of(
                                "%",
                                "%2", "%zz", "%00", "%0a", "%2e%2e", "%3F", "%23", "#x", "..", "/..", "/.", "//", "|",
                                "\"", "<>", "{}", "^", "`", "\\"));
            case 10 -> path.toUpperCase(Locale.ROOT);
            default -> "http://localhost" + path;
        };
    }

    private void mutateCondition(FuzzedRequest request) {
        String name = anyOf(List.of("If-Match", "If-None-Match", "Idempotency-Key"));
        request.setHeader(
                name,
                anyOf(List.of(
                        "",
                        "*",
                        "\"",
                        "\"\"",
                        "W/\"0\"",
                        "\"0\", \"1\",",
                        ",,",
                        "0",
                        "\"-1\"",
                        "\"99999999999999999999\"",
                        "\"\u00FF\"",
                        "\u00E9",
                        "'; drop table orders; --",
                        "key " + random.nextInt(20),
                        "\"key " + random.nextInt(20) + "\"",
                        "k".repeat(255),
                        "k".repeat(256),
                        "\"" + "k".repeat(5_000) + "\"",
                        anyOf(tags))));
        if (random.nextInt(4) == 0) {
            request.headers.add(name + ": \"another\"");
        }
    }

    /** Mutates what the HTTP server handles itself, before any resource is involved. */
    private void mutateHttp(FuzzedRequest request) {
        switch (random.nextInt(8)) {
            case 0 -> request.query.add("q=" + "x".repeat(10_000));
            case 1 -> request.headers.add("X-Huge: " + "x".repeat(17_000 + random.nextInt(60_000)));
            case 2 -> {
                request.isHttp = false;
                request.version = anyOf(List.of(
                        "HTTP/1.0",
                        "HTTP/0.9",
                        "HTTP/2.0",
                        "HTTP/9.9",
                        "HTTP/x",
                        "http/1.1",
                        "",
                        "HTTQ/1.1",
                        "HTTP/1.1 x"));
            }
            case 3 -> {
                request.isHttp = false;
                request.method = anyOf(List.of("", "G\0T", "GE T", "CONNECT", "PRI", "\u00FF", "M".repeat(5_000)));
            }
            case 4 -> {
                request.isHttp = false;
                request.path = anyOf(List.of(
                        "",
                        "*",
                        "x",
                        "http://",
                        "http://[",
                        "ftp://localhost/orders",
                        "//",
                        "localhost:80",
                        "/orders\0",
                        "/ orders",
                        "/\u00FF\u00FE",
                        "/orders\t",
                        "?",
                        "#"));
            }
            default -> {
                request.isHttp = false;
                request.headers.add(anyOf(NOT_HEADERS));
            }
        }
    }

    private <T> T anyOf(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    private byte[] bytes(JsonNode value, Charset charset) {
        try {
            return (random.nextBoolean() ? PLAIN : ESCAPING)
                    .writeValueAsString(value)
                    .getBytes(charset);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    /** Percent-encodes text, including lone surrogates, which valid UTF-8 excludes. */
    private static String encoded(String text) {
        StringBuilder encoded = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            byte[] bytes = Character.isSurrogate(c)
                            && !(i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1)))
                            && !(i > 0 && Character.isSurrogatePair(text.charAt(i - 1), c))
                    ? new byte[] {(byte) 0xED, (byte) (0x80 | c >> 6 & 0x3F), (byte) (0x80 | c & 0x3F)}
                    : Character.isLowSurrogate(c)
                            ? new byte[0]
                            : text.substring(i, Character.isHighSurrogate(c) ? i + 2 : i + 1)
                                    .getBytes(StandardCharsets.UTF_8);
            for (byte b : bytes) {
                encoded.append(
                        Character.isLetterOrDigit(b & 0x7F) && b > 0
                                ? String.valueOf((char) b)
                                : "%%%02X".formatted(b & 0xFF));
            }
        }
        return encoded.toString();
    }
}
