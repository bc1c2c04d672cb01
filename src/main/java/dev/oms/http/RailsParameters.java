package dev.oms.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/**
 * Parameters in Rails' notation, {@code order[items][burger]=2}, as the JSON object that they stand for. Its values are
 * strings, so numbers come as {@link WholeNumber} accepts them. Rails' lists, {@code a[]=1}, are refused: no body has
 * one.
 *
 * @see <a href="https://guides.rubyonrails.org/action_controller_overview.html#hash-and-array-parameters">Rails, Hash
 *     and Array Parameters</a>
 */
final class RailsParameters {
    /** As many as there are tokens in a JSON body. */
    private static final int PARAMETERS_MAX = StrictJson.TOKENS_MAX;

    private static final Pattern NAME = Pattern.compile("[^\\[\\]]++(?:\\[[^\\[\\]]++])*+");
    private static final Pattern BRACKETS = Pattern.compile("]\\[|\\[|]");

    /** As strict as the mapper of the resources. */
    private static final ObjectMapper JSON = StrictJson.mapper();

    private final ObjectNode root = JsonNodeFactory.instance.objectNode();
    private int size;

    /**
     * Decodes {@code a=1&b=2}, an {@code application/x-www-form-urlencoded} body.
     *
     * @throws ProblemException 400 when an escape or its UTF-8 is invalid
     * @see <a href="https://url.spec.whatwg.org/#application/x-www-form-urlencoded">WHATWG URL, urlencoded</a>
     */
    static void decode(String text, BiConsumer<String, String> parameters) {
        for (int from = 0; from < text.length(); ) {
            int end = text.indexOf('&', from);
            if (end < 0) {
                end = text.length();
            }
            if (end > from) {
                int equals = text.indexOf('=', from);
                boolean hasValue = equals >= 0 && equals < end;
                parameters.accept(
                        decoded(text.substring(from, hasValue ? equals : end)),
                        hasValue ? decoded(text.substring(equals + 1, end)) : "");
            }
            from = end + 1;
        }
    }

    private static String decoded(String text) {
        String decoded;
        try {
            decoded = QueryStringDecoder.decodeComponent(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw ProblemException.malformed(
                    "A parameter has an invalid escape: '%s'.".formatted(Texts.shorten(text, 50)));
        }
        return requireUtf8(decoded);
    }

    /** Refuses text that has the character that decoders put in place of invalid bytes. */
    static String requireUtf8(String decoded) {
        if (decoded.indexOf('\uFFFD') >= 0) {
            throw ProblemException.malformed(
                    "A parameter is not valid UTF-8: '%s'.".formatted(Texts.shorten(decoded, 50)));
        }
        return decoded;
    }

    /**
     * Adds a parameter.
     *
     * @throws ProblemException 400 when its name is invalid or repeated, or there are too many
     */
    void add(String name, String value) {
        if (++size > PARAMETERS_MAX) {
            throw ProblemException.malformed("There are more than %,d parameters.".formatted(PARAMETERS_MAX));
        }
        if (!NAME.matcher(name).matches()) {
            throw ProblemException.malformed("'%s' is not the name of a parameter; write one as order[items][burger]."
                    .formatted(Texts.shorten(name, 100)));
        }
        String[] keys = BRACKETS.split(name);
        if (keys.length > StrictJson.DEPTH_MAX) {
            throw ProblemException.malformed(
                    "A parameter is nested more than %d levels deep.".formatted(StrictJson.DEPTH_MAX));
        }
        ObjectNode parent = root;
        for (int i = 0; i < keys.length - 1; i++) {
            JsonNode child = parent.get(keys[i]);
            if (child == null) {
                child = parent.putObject(keys[i]);
            }
            if (!(child instanceof ObjectNode object)) {
                throw repeated(name);
            }
            parent = object;
        }
        String last = keys[keys.length - 1];
        if (parent.has(last)) {
            throw repeated(name);
        }
        parent.put(last, value);
    }

    private static ProblemException repeated(String name) {
        return ProblemException.malformed("The parameter '%s' is repeated.".formatted(Texts.shorten(name, 100)));
    }

    /** The parameters as a JSON body. */
    byte[] toJson() {
        return bytes(root);
    }

    /**
     * The parameters of a query merged with a JSON body, the way Rails does it: name by name, and the body wins. A body
     * that is not a JSON object is returned as it is; whoever reads it will refuse it.
     *
     * @param body may be empty
     */
    byte[] mergedWith(byte[] body) {
        if (body.length == 0) {
            return toJson();
        }
        try {
            return JSON.readTree(body) instanceof ObjectNode object
                    ? bytes(root.deepCopy().setAll(object))
                    : body;
        } catch (IOException invalid) {
            return body;
        }
    }

    private static byte[] bytes(JsonNode json) {
        try {
            return JSON.writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("A tree of objects and strings is valid JSON", e);
        }
    }
}
