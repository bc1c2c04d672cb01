package dev.oms.audit;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.resteasy.reactive.server.EndpointDisabled;
import io.smallrye.common.annotation.RunOnVirtualThread;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.StreamingOutput;
import java.io.IOException;
import java.io.UncheckedIOException;

/** {@code /inventory_items/audit}. */
@RunOnVirtualThread
@Path("/inventory_items/audit")
@EndpointDisabled(name = "oms.api", stringValue = "off")
class AuditResource {
    private final Audit audit;
    private final ObjectMapper json;

    AuditResource(Audit audit, ObjectMapper json) {
        this.audit = audit;
        this.json = json;
    }

    /** Streams the discrepancies as they are found, followed by their count. */
    @GET
    @Produces(MediaType.APPLICATION_JSON)
    public StreamingOutput get() {
        return out -> {
            try (JsonGenerator body = json.createGenerator(out)) {
                body.writeStartObject();
                body.writeArrayFieldStart("discrepancies");
                long count = audit.run(discrepancy -> {
                    try {
                        body.writePOJO(discrepancy);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
                body.writeEndArray();
                body.writeNumberField("count", count);
                body.writeEndObject();
            }
        };
    }
}
