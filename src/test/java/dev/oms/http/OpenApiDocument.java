package dev.oms.http;

import static io.restassured.RestAssured.given;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code /q/openapi} with every reference resolved. */
public record OpenApiDocument(JsonNode root) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static OpenApiDocument fetch() {
        JsonNode root = read(given().queryParam("format", "json")
                .get("/q/openapi")
                .then()
                .statusCode(200)
                .extract()
                .asString());
        return new OpenApiDocument(withoutReferences(root, root));
    }

    static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError("Not JSON: " + json, e);
        }
    }

    private static JsonNode withoutReferences(JsonNode root, JsonNode node) {
        if (node.has("$ref")) {
            return withoutReferences(
                    root, root.requiredAt(node.path("$ref").asText().substring(1)));
        }
        if (node.isObject()) {
            ObjectNode object = JSON.createObjectNode();
            node.properties()
                    .forEach(member -> object.set(member.getKey(), withoutReferences(root, member.getValue())));
            return object;
        }
        if (node.isArray()) {
            ArrayNode array = JSON.createArrayNode();
            node.forEach(element -> array.add(withoutReferences(root, element)));
            return array;
        }
        return node;
    }

    List<String> tags() {
        return root.path("tags")
                .valueStream()
                .map(tag -> tag.path("name").asText())
                .toList();
    }

    public List<Call> calls() {
        return root.path("paths")
                .propertyStream()
                .flatMap(path -> path.getValue()
                        .propertyStream()
                        .map(operation -> new Call(
                                operation.getKey().toUpperCase(Locale.ROOT), path.getKey(), operation.getValue())))
                .toList();
    }

    /** An operation: a method and a path. */
    public record Call(String method, String path, JsonNode operation) {
        List<JsonNode> parameters() {
            return operation.path("parameters").valueStream().toList();
        }

        public boolean hasBody() {
            return operation.has("requestBody");
        }

        Body body() {
            return Body.of(operation.path("requestBody"));
        }

        List<Integer> statuses() {
            return operation
                    .path("responses")
                    .propertyStream()
                    .map(response -> Integer.valueOf(response.getKey()))
                    .toList();
        }

        /** The scope that a key needs, or "" when any key will do. */
        String scope() {
            return operation.at("/security/0/key/0").asText();
        }

        public int success() {
            return statuses().stream()
                    .filter(status -> status < 300)
                    .findFirst()
                    .orElseThrow();
        }

        /** Whether the response is a stream that lasts as long as the client listens. */
        public boolean isStream() {
            JsonNode content = response(success()).path("content");
            return content.size() == 1 && content.has("text/event-stream");
        }

        /** The documented statuses besides success; they include 304. */
        List<Integer> nonSuccessStatuses() {
            return statuses().stream().filter(status -> status >= 300).toList();
        }

        /** The names of the headers of a response. */
        List<String> headers(int status) {
            return response(status)
                    .path("headers")
                    .propertyStream()
                    .map(Map.Entry::getKey)
                    .toList();
        }

        boolean hasBody(int status) {
            return response(status).has("content");
        }

        Body body(int status) {
            return Body.of(response(status));
        }

        private JsonNode response(int status) {
            return operation.path("responses").path(Integer.toString(status));
        }

        @Override
        public String toString() {
            return method + " " + path;
        }
    }

    /** The body of a request or of a response. */
    record Body(String mediaType, JsonNode schema, List<JsonNode> examples) {
        private static Body of(JsonNode owner) {
            Map.Entry<String, JsonNode> content =
                    owner.path("content").propertyStream().findFirst().orElseThrow();
            return new Body(
                    content.getKey(),
                    content.getValue().path("schema"),
                    content.getValue()
                            .path("examples")
                            .valueStream()
                            .map(example -> example.path("value"))
                            .toList());
        }

        /** Whether a value conforms to the schema. Supports only the keywords that this document uses. */
        boolean fits(JsonNode value) {
            return fits(schema, value);
        }

        static boolean fits(JsonNode schema, JsonNode value) {
            if (schema.isBoolean()) {
                return schema.asBoolean();
            }
            if (schema.has("oneOf")) {
                return schema.path("oneOf")
                                .valueStream()
                                .filter(choice -> fits(choice, value))
                                .count()
                        == 1;
            }
            return isOfType(schema.path("type"), value)
                    && (!schema.has("enum") || schema.path("enum").valueStream().anyMatch(value::equals))
                    && (!value.isObject()
                            || schema.path("required").valueStream().allMatch(name -> value.has(name.asText())))
                    && value.propertyStream()
                            .allMatch(member -> fits(schemaOf(member.getKey(), schema), member.getValue()))
                    && (!value.isArray()
                            || value.valueStream().allMatch(element -> fits(schema.path("items"), element)));
        }

        private static JsonNode schemaOf(String name, JsonNode schema) {
            JsonNode known = schema.path("properties").path(name);
            return known.isMissingNode() ? schema.path("additionalProperties") : known;
        }

        /** A missing schema matches no value. */
        private static boolean isOfType(JsonNode type, JsonNode value) {
            String name = value.isIntegralNumber()
                    ? "integer"
                    : value.getNodeType().name().toLowerCase(Locale.ROOT);
            return type.isArray()
                    ? type.valueStream().anyMatch(choice -> choice.asText().equals(name))
                    : type.asText().equals(name);
        }
    }
}
