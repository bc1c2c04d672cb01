package dev.oms.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.OmsProcess;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The packaged application has Swagger UI if it is asked for; WebRoleIT checks that it has none otherwise. */
@Tag("full")
class SwaggerUiIT {
    @Test
    void isServedIfItIsAskedFor() throws IOException, InterruptedException {
        EmbeddedServers servers = EmbeddedServers.start();
        Map<String, String> settings = new HashMap<>(servers.settings());
        settings.put("QUARKUS_SWAGGER_UI_ENABLED", "true");
        try (OmsProcess web = new OmsProcess("swagger-ui", "prod", settings)) {
            web.start();
            web.awaitReady();

            assertThat(web.status("/q/swagger-ui/")).isEqualTo(200);
        } finally {
            servers.stop();
        }
    }
}
