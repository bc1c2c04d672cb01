package dev.oms.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parsing a manifest proves that it is valid only if invalid ones are rejected. */
class StrictModelTest {
    private static final String JOB = """
            apiVersion: batch/v1
            kind: Job
            metadata:
              name: migrate
            spec:
              template:
                spec:
                  restartPolicy: Never
                  containers:
                    - name: migrate
                      env:
                        - name: OMS_MIGRATE
                          value: "true"
                      resources:
                        limits:
                          cpu: 500m
                      securityContext:
                        readOnlyRootFilesystem: true
            """;
    private static final String SCALED_OBJECT = """
            apiVersion: keda.sh/v1alpha1
            kind: ScaledObject
            metadata:
              name: worker
              namespace: oms
              labels: {}
            spec:
              scaleTargetRef:
                name: worker
              minReplicaCount: 2
              maxReplicaCount: 10
              fallback:
                failureThreshold: 3
                replicas: 4
                behavior: static
              triggers:
                - type: redis-streams
                  metadata:
                    streamLength: "5000"
                  authenticationRef:
                    name: redis
            """;

    @Test
    void readsValidManifests() throws IOException {
        assertThat(StrictModel.read(JOB + "---\n" + SCALED_OBJECT)).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource({
        "batch/v1, batch/v9",
        "kind: Job, kind: Jobs",
        "template:, templates:",
        "restartPolicy, restartpolicy",
        "readOnlyRootFilesystem, readOnlyRootFileSystem",
        "- name: migrate, - image: oms",
        "value: \"true\", value: true",
        "cpu: 500m, cpu: half",
    })
    void rejectsWhatKubernetesWouldReject(String valid, String invalid) {
        String job = JOB.replaceFirst(valid, invalid);

        assertThat(job).isNotEqualTo(JOB);
        assertThatThrownBy(() -> StrictModel.read(job)).isNotNull();
    }

    @ParameterizedTest
    @CsvSource({
        "minReplicaCount, minReplicas",
        "failureThreshold, failures",
        "triggers, trigger",
        "type:, kind:",
        "\"5000\", {}",
        "authenticationRef, auth"
    })
    void rejectsWhatKedaWouldReject(String valid, String invalid) {
        String scaledObject = SCALED_OBJECT.replaceFirst(valid, invalid);

        assertThat(scaledObject).isNotEqualTo(SCALED_OBJECT);
        assertThatThrownBy(() -> StrictModel.read(scaledObject)).isNotNull();
    }
}
