package dev.oms.rails;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.oms.http.Texts;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Reads the column {@code items} of an order, such as {@code {"burger": 2, "fries": "1"}}. */
final class OrderItems {
    // As StrictJson, but without limits, which are for what clients send.
    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNameLength(Integer.MAX_VALUE)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .maxStringLength(Integer.MAX_VALUE)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    private OrderItems() {}

    /**
     * The quantity of each item, by its name in the form of {@link Texts#normalizeName}.
     *
     * @param json the column as text, or null
     */
    static Map<String, Long> parse(String json) throws Unacceptable {
        if (json == null) {
            throw new Unacceptable("has no items");
        }
        Map<String, Long> items = new LinkedHashMap<>();
        try (JsonParser parser = JSON.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new Unacceptable("has items that are not an object of names and quantities");
            }
            while (parser.nextToken() != JsonToken.END_OBJECT) {
                String name = parser.currentName();
                parser.nextToken();
                if (items.put(Texts.normalizeName(name), quantity(name, parser)) != null) {
                    throw new Unacceptable("has the item " + Rejects.quote(name) + " more than once");
                }
            }
        } catch (IOException e) {
            throw new Unacceptable("has items that are not valid JSON");
        }
        if (items.isEmpty()) {
            throw new Unacceptable("has no items");
        }
        return items;
    }

    private static long quantity(String name, JsonParser parser) throws IOException, Unacceptable {
        String subject = "quantity of " + Rejects.quote(name);
        long quantity =
                switch (parser.currentToken()) {
                    case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_STRING -> Numbers.parse(subject, parser.getText());
                    case VALUE_NULL -> throw new Unacceptable("has no " + subject);
                    default -> throw new Unacceptable("has a " + subject + " that is not a number");
                };
        if (quantity == 0) {
            throw new Unacceptable("has a " + subject + " of 0");
        }
        return quantity;
    }
}
