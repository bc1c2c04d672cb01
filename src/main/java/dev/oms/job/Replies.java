package dev.oms.job;

import io.vertx.mutiny.redis.client.Response;
import java.util.HashMap;
import java.util.Map;

/** Reads what Redis replies. */
final class Replies {
    private Replies() {}

    /** The fields of a reply that is a list of names and values in turn. */
    static Map<String, Response> fields(Response reply) {
        Map<String, Response> fields = new HashMap<>();
        for (int i = 0; reply != null && i + 1 < reply.size(); i += 2) {
            fields.put(reply.get(i).toString(), reply.get(i + 1));
        }
        return fields;
    }

    /** The reply to {@code TIME}, in milliseconds. */
    static long millis(Response time) {
        return time.get(0).toLong() * 1_000 + time.get(1).toLong() / 1_000;
    }
}
