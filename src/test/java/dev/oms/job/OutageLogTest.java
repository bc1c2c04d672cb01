package dev.oms.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.redis.client.impl.types.ErrorType;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.Test;

class OutageLogTest {
    @Test
    void logsTheBeginningAndTheEndOfAnOutage() {
        String name = OutageLogTest.class.getName();
        List<String> lines = new ArrayList<>();
        Logger logger = Logger.getLogger(name);
        logger.setLevel(Level.INFO);
        logger.addHandler(new Handler() {
            @Override
            public void publish(LogRecord logged) {
                lines.add(new PatternFormatter("%p %m").format(logged));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
        OutageLog outage = new OutageLog(org.jboss.logging.Logger.getLogger(name), "It is away");

        outage.recovered();
        outage.failed(ErrorType.create("ERR [0] OOM no memory\nERR [1] OOM no memory"));
        outage.recovered();
        for (int i = 0; i < 2; i++) {
            outage.failed(new IllegalStateException(new IllegalStateException("no answer")));
            outage.failed(new IllegalStateException("still no answer"));
            outage.recovered();
            outage.recovered();
        }

        assertThat(lines)
                .containsExactly(
                        "WARN It is away (OOM no memory)",
                        "INFO Resolved: It is away",
                        "WARN It is away (no answer)",
                        "INFO Resolved: It is away",
                        "WARN It is away (no answer)",
                        "INFO Resolved: It is away");
    }
}
