graphql`
  fragment history_ofTask on Task
  @argumentDefinitions(last: { type: "Int", defaultValue: 10 }, before: { type: "String" })
  @refetchable(queryName: "TaskHistoryQuery") {
    annotationHistory(last: $last, before: $before) @connection(key: "history_annotationHistory") {
      edges {
        node {
          recordId
          action
          createdTime
        }
      }
    }
  }
`;

graphql`
  fragment history_ofRequest on AnnotationRequest
  @argumentDefinitions(first: { type: "Int", defaultValue: 50 }, after: { type: "String" })
  @refetchable(queryName: "RequestHistoryQuery") {
    annotationHistory(first: $first, after: $after) @connection(key: "history_annotationHistory") {
      edges {
        node {
          recordId
          task {
            taskId
          }
        }
      }
    }
  }
`;
